"""Two charts of ratios on a logarithmic scale, readable on light and on dark: by group, and a bar for each row."""

import math
from html import escape

from report import geometric_mean, ratio_text
from rows import GROUPS

WIDTH, HEAD = 860, 58
FASTER, SLOWER, GREY = "#2e9e6b", "#d9673a", "#808890"
STYLE = f"text {{ font: 11px system-ui, sans-serif; fill: {GREY} }} .head {{ font-weight: 600; font-size: 12px }}"
LEGEND = "The other's time or size over libwasm's, logarithmic: right of 1× libwasm is faster or smaller (further out: at the edge)"


def text(x, y, content, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(content)}</text>'


def color(ratio):
    return FASTER if ratio >= 1 else SLOWER


class Scale:
    """Powers of two about 1; what is further out is drawn at the edge."""

    OUTMOST = 7

    def __init__(self, ratios, left, right):
        logs = [math.log2(ratio) for ratio in ratios] or [0]
        self.low = max(-self.OUTMOST, min(-1, math.floor(min(logs))))
        self.high = min(self.OUTMOST, max(1, math.ceil(max(logs))))
        self.left, self.right = left, right

    def x(self, ratio):
        power = min(max(math.log2(ratio), self.low), self.high)
        return self.left + (power - self.low) / (self.high - self.low) * (self.right - self.left)

    def lines(self, height):
        for power in range(self.low, self.high + 1):
            x, label = self.x(2.0**power), f"{2 ** power}×" if power >= 0 else f"1/{2 ** -power}"
            opacity = 0.9 if power == 0 else 0.2
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD}" y2="{height - 6}" stroke="{GREY}" stroke-opacity="{opacity}"/>'
            if power % 2 == 0:
                yield text(x, HEAD - 6, label, "middle")


def page(title, legend, scale, height, body):
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", text(8, 16, title, style=' class="head"'), text(8, 33, legend)]
    return "\n".join(head + list(scale.lines(height)) + body + ["</svg>", ""])


def draw_groups(report):
    """A line for each group and peer: a dot for each row, and a bar to their geometric mean."""
    lines = [(peer, *summary) for peer in report.peers for summary in report.summary(peer)]
    scale = Scale([ratio for _, _, _, ratios, _, _ in lines for ratio in ratios], 270, WIDTH - 200)
    y, body, last = HEAD + 4, [], None
    for peer, title, _, ratios, without, without_us in lines:
        if peer != last:
            last, y = peer, y + 22
            body.append(text(8, y - 6, f"against {peer}", style=' class="head"'))
        body.append(text(scale.left - 10, y + 13, title, "end"))
        if ratios:
            mean = geometric_mean(ratios)
            low, high = sorted((scale.x(1), scale.x(mean)))
            body.append(f'<rect x="{low:.1f}" y="{y + 3}" width="{max(high - low, 1):.1f}" height="13" rx="2" fill="{color(mean)}" fill-opacity="0.4"/>')
            body += [f'<circle cx="{scale.x(ratio):.1f}" cy="{y + 9.5}" r="2.6" fill="{color(ratio)}" stroke="#fff" stroke-width="0.6"/>'
                     for ratio in sorted(ratios)]
            body.append(text(scale.right + 12, y + 13, ratio_text(mean) + "×", style=' class="head"'))
        failing = [f"{who.split()[0]}: {number} failed" for who, number in ((peer, without), (report.ours, without_us)) if number]
        body.append(text(WIDTH - 6, y + 13, ", ".join(failing), "end"))
        y += 20
    title = f"{report.ours}: geometric means by group (bars) and all rows (dots)"
    return page(title, LEGEND, scale, y + 12, body)


def draw_rows(report):
    """A bar for each row against the first peer, and a diamond for V8."""
    peer = report.peers[0] if report.peers else None
    mark = next((name for name in report.peers[1:] if name.startswith("V8")), None)
    rows = [row for row in report.rows if shown(report, row, peer)]
    ratios = [ratio for row in rows for ratio in (report.ratio(row, peer), report.ratio(row, mark)) if ratio]
    scale, y, body, group = Scale(ratios, 380, WIDTH - 100), HEAD + 2, [], None
    for row in rows:
        if row.group != group:
            group, y = row.group, y + 24
            body.append(text(8, y - 6, GROUPS[group], style=' class="head"'))
        body.append(text(scale.left - 10, y + 10, row.title, "end"))
        ratio, other = report.ratio(row, peer), report.ratio(row, mark)
        if ratio:
            low, high = sorted((scale.x(1), scale.x(ratio)))
            body.append(f'<rect x="{low:.1f}" y="{y + 2}" width="{max(high - low, 1):.1f}" height="10" rx="1.5" fill="{color(ratio)}"/>')
        label = ratio_text(ratio) if ratio else report.results[row.id].get(peer, {}).get("status", "")
        body.append(text(WIDTH - 6, y + 11, label, "end"))
        if other:
            body.append(f'<path d="M{scale.x(other):.1f} {y + 2}l3.5 5l-3.5 5l-3.5 -5z" fill="none" stroke="{GREY}" stroke-width="1.5"/>')
        y += 14
    legend = LEGEND + (f"; diamonds: {mark}" if mark else "")
    return page(f"{report.ours} against {peer or 'nobody'}", legend, scale, y + 10, body)


def shown(report, row, peer):
    """Rows with a ratio, and rows in which the peer fails."""
    return row.compared and (report.ratio(row, peer) or report.results[row.id].get(peer, {"status": "ok"})["status"] != "ok")
