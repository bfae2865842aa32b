"""The results as text, JSON and Markdown, and the README's table."""

import datetime
import json
import math
import re
import shutil
import sys

from rows import GROUPS

UNITS = {"s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")], "B": [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")]}


def amount(value, unit):
    if value == 0:
        return f"0 {UNITS[unit][-1][1]}"
    scale, word = next(((scale, word) for scale, word in UNITS[unit] if abs(value) >= scale), UNITS[unit][-1])
    scaled = value / scale
    digits = max(0, 2 - int(math.floor(math.log10(abs(scaled))))) if scaled else 0
    return f"{scaled:.{min(digits, 2)}f} {word}"


def ratio_text(value):
    if value is None:
        return ""
    if value < 0.095:
        return f"{value:.3f}" if value >= 0.0095 else f"{value:.1g}"
    return f"{value:.2f}" if value < 9.95 else f"{value:.1f}" if value < 99.5 else f"{value:,.0f}"


def figure(value):
    """A result that was not found in rounds."""
    return {"status": "ok", "median": value, "minimum": value, "rounds": [value]}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def plural(count, noun):
    return f"{count} {noun}" + ("" if count == 1 else "s")


class Report:
    """`names` are the libraries, ours first; `columns` those that take part in a group."""

    def __init__(self, machine, names, columns, options):
        self.machine, self.names, self.columns, self.options = machine, names, columns, options
        self.ours, self.peers = names[0], names[1:]
        self.rows, self.results, self.spent, self.group = [], {}, {}, None
        self.lines, self.seconds = [], 0
        self.date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        facts = f"{machine['cpu']}, {plural(machine['cpus'], 'processor')}, {machine['system']}; libwasm at {machine['commit']}; {self.date}"
        self.say(facts)
        self.say("median (minimum) of the rounds; ratio: the peer's median over libwasm's, above 1 libwasm is faster or smaller")

    def say(self, line=""):
        self.lines.append(line)
        print(line, flush=True)

    def add(self, row, results, seconds=0.0):
        if row.group != self.group:
            self.group = row.group
            head = "".join(f"{name:>26}" for name in self.columns[row.group])
            head += "  ratio" * (len(self.columns[row.group]) - 1)
            self.say(f"\n{GROUPS[row.group]:70}{head}")
        self.rows.append(row)
        self.results[row.id], self.spent[row.id] = results, seconds
        line = f"  {row.title:68}"
        for name in self.columns[row.group]:
            line += f"{self.cell(row, name, True):>26}"
        for name in self.columns[row.group][1:]:
            line += f"{ratio_text(self.ratio(row, name)):>7}"
        self.say(line.rstrip())
        for name, result in results.items():
            if result["status"] != "ok":
                print(f"    {name} {result['status']}: {result['reason']}", file=sys.stderr, flush=True)

    def cell(self, row, name, with_minimum=False):
        result = self.results[row.id].get(name)
        if result is None:
            return ""
        if result["status"] != "ok":
            return result["status"]
        text = amount(result["median"], row.unit)
        return f"{text} ({amount(result['minimum'], row.unit)})" if with_minimum and len(result["rounds"]) > 1 else text

    def median(self, row, name):
        result = self.results[row.id].get(name)
        return result["median"] if result and result["status"] == "ok" else None

    def ratio(self, row, name):
        ours, theirs = self.median(row, self.ours), self.median(row, name)
        if not row.compared or ours is None or theirs is None or ours <= 0 or theirs <= 0:
            return None
        return theirs / ours

    def slope(self, ends):
        """What one more adds, between two rows: [(id, size)]. Nothing, if the larger takes hardly longer."""
        results = {}
        for name in self.names:
            found = [self.results.get(id, {}).get(name, {}).get("median") for id, _ in ends]
            if None not in found:
                grown = found[1] - found[0]
                results[name] = figure(grown / (ends[1][1] - ends[0][1]) if grown > found[0] / 2 else 0)
        return results

    def finish(self, seconds):
        self.seconds = round(seconds)
        self.say(f"\ntook {self.seconds} s")

    def summary(self, peer):
        """For each group: rows, the ratios there are, and the rows in which the peer has no figure."""
        for group, title in GROUPS.items():
            rows = [row for row in self.rows if row.group == group and peer in self.results[row.id]]
            ratios = [ratio for ratio in (self.ratio(row, peer) for row in rows) if ratio]
            without = sum(self.median(row, peer) is None for row in rows)
            without_us = sum(self.median(row, self.ours) is None for row in rows)
            if rows:
                yield title, len(rows), ratios, without, without_us

    def failures(self):
        """Rows that libwasm has to have, and has not."""
        ours = [(row.id, self.results[row.id].get(self.ours, {"status": "ok"})["status"]) for row in self.rows]
        return [id for id, status in ours if status not in ("ok", "lacks")]

    def summary_text(self):
        lines = []
        for peer in self.peers:
            for title, count, ratios, without, without_us in self.summary(peer):
                mean = f"geometric mean {ratio_text(geometric_mean(ratios))}, {ratio_text(min(ratios))} to {ratio_text(max(ratios))}" if ratios else ""
                failing = f"; {plural(without, 'row')} without {peer}" if without else ""
                failing += f"; {plural(without_us, 'row')} without {self.ours}" if without_us else ""
                lines.append(f"{peer}: {title}: {plural(count, 'row')}; {mean}{failing}")
        return "\n".join(lines)

    def text(self):
        return "\n".join(self.lines) + "\n"

    def json(self):
        rows = []
        for row in self.rows:
            rows.append({
                "id": row.id, "group": GROUPS[row.group], "title": row.title, "unit": row.unit,
                "clock": {"cpu": "processor time of the thread", "wall": "wall time"}[row.clock] if row.unit == "s" else None,
                "seconds": round(self.spent[row.id], 2), "results": self.results[row.id],
                "ratios": {peer: self.ratio(row, peer) for peer in self.peers if self.ratio(row, peer)},
            })
        return {
            "date": self.date, "seconds": self.seconds, "machine": self.machine, "libraries": self.names,
            "method": {"rounds": self.options.rounds, "seconds of a round": self.options.round_seconds,
                       "quick": self.options.quick, "long": self.options.long,
                       "ratio": "median of the peer over median of the first library"},
            "rows": rows,
        }

    def markdown(self):
        lines = []
        for peer in self.peers:
            lines += [f"| libwasm against {peer} | rows | ratio, geometric mean | worst and best row | no figure |",
                      "|---|--:|--:|--:|--:|"]
            for title, count, ratios, without, without_us in self.summary(peer):
                mean, ends = "", ""
                if ratios:
                    mean = f"**{ratio_text(geometric_mean(ratios))}**"
                    ends = f"{ratio_text(min(ratios))} – {ratio_text(max(ratios))}"
                failing = [f"{who}: {number}" for who, number in ((peer, without), (self.ours, without_us)) if number]
                lines.append(f"| {title} | {count} | {mean} | {ends} | {', '.join(failing)} |")
            lines.append("")
        lines += [f"{self.machine['cpu']}, {plural(self.machine['cpus'], 'processor')}, {self.machine['system']}; "
                  f"libwasm at {self.machine['commit']}; {self.date}.", ""]
        lines += [f"<details><summary>All {len(self.rows)} rows</summary>"]
        group = None
        for row in self.rows:
            columns = self.columns[row.group]
            if row.group != group:
                group = row.group
                head = f"| {GROUPS[group]} | {columns[0]} |" + "".join(f" {peer} | ratio |" for peer in columns[1:])
                lines += ["", head, "|---|--:|" + "--:|--:|" * (len(columns) - 1)]
            cells = [self.cell(row, self.ours)]
            for peer in columns[1:]:
                cells += [self.cell(row, peer), ratio_text(self.ratio(row, peer))]
            lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
        return "\n".join(lines + ["", "</details>", ""])


def dumps(value):
    """JSON with the rounds of a row in one line, to four digits."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    rounds = lambda found: "[" + ", ".join(f"{float(number):.4g}" for number in found[1].split(",")) + "]"
    return re.sub(r"\[([-+0-9.eE,\s]+)\]", rounds, text) + "\n"


def update_readme(root, out):
    """The table between README's markers, and the files it leads to."""
    readme, results = root / "README.md", root / "benches/results"
    begin, end = "<!-- bench:begin -->", "<!-- bench:end -->"
    text = readme.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"benches/run: README.md has no place between {begin} and {end}")
    table = (out / "bench.md").read_text(encoding="utf-8")
    pattern = re.escape(begin) + ".*" + re.escape(end)
    readme.write_text(re.sub(pattern, lambda _: f"{begin}\n{table}{end}", text, flags=re.DOTALL), encoding="utf-8")
    results.mkdir(exist_ok=True)
    for file in "bench.json", "bench.svg", "rows.svg":
        shutil.copyfile(out / file, results / file)
    print(f"benches/run: README.md and {results.relative_to(root)} are up to date")
