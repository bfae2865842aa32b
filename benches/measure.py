"""Rounds: a process for each library, asked in turn; medians, minima, and why there is none."""

import os
import select
import signal
import statistics
import subprocess
import tempfile
import time

WORDS = {3: "refuses", 4: "lacks", 5: "fails", 6: "fails"}


class Failed(Exception):
    """A library has no figure for a row: a word, and the reason."""

    def __init__(self, word, reason):
        super().__init__(word)
        self.word, self.reason = word, reason


class Process:
    """One library, prepared for one operation."""

    def __init__(self, command, patience):
        self.patience = patience
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        if self.line() != "ready":
            self.fail()

    def line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], self.patience)
        if not ready:
            self.process.kill()
            raise Failed("fails", f"no answer in {self.patience} s")
        return self.process.stdout.readline().decode().strip()

    def run(self, repetitions):
        """Nanoseconds, or bytes, and the answer."""
        try:
            self.process.stdin.write(f"{repetitions}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            self.fail()
        words = self.line().split()
        if len(words) != 2:
            self.fail()
        return float(words[0]), words[1]

    def fail(self):
        status = self.process.wait()
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        own = [line.removeprefix("driver: ") for line in lines if line.startswith("driver: ")]
        told = [line for line in lines if "not implemented" in line or "panicked" in line or "not supported" in line]
        reason = (own or told[:1] or lines[:1] or ["no reason given"])[-1][:300]
        if status < 0:
            raise Failed(f"fails ({signal.Signals(-status).name})", reason)
        raise Failed(WORDS.get(status, "fails"), reason)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


class Contestant:
    """What one library makes of one row."""

    def __init__(self, library, row, command, options):
        self.library, self.row, self.options = library, row, options
        self.command, self.process, self.failure = command, None, None
        self.repetitions, self.values, self.answers = row.repetitions, [], []

    def attempt(self, action):
        if self.failure:
            return None
        try:
            return action()
        except Failed as failure:
            self.failure = failure
        except OSError as error:
            self.failure = Failed("fails", str(error))
        self.close()
        return None

    def open(self):
        self.process = Process(self.command, self.options.patience)

    def close(self):
        if self.process:
            self.process.close()
        self.process = None

    def calibrate(self):
        """As many repetitions as a round's time needs; the runs on the way warm up what there is to warm up."""
        target, n = self.options.round_seconds * 1e9, 1
        took, _ = self.process.run(n)  # the first time may have much to do that is done once
        if took > self.options.budget_seconds * 1e9 / 4:
            return n
        while True:
            took, _ = self.process.run(n)
            if took >= target / 2 or n >= 1 << 30:
                return max(1, min(1 << 30, int(n * target / max(took, 1))))
            n = max(n + 1, min(16 * n, int(n * target / max(took, 1))))

    def round(self, cpu=None):
        if self.row.own_process:
            self.open()
        if cpu is not None and self.row.clock == "cpu":
            os.sched_setaffinity(self.process.process.pid, {cpu})
        value, answer = self.process.run(self.repetitions)
        if self.row.own_process:
            self.close()
        self.values.append(value / (1 if self.row.total else self.repetitions))
        self.answers.append(answer)

    def result(self):
        if self.failure:
            return {"status": self.failure.word, "reason": self.failure.reason}
        scale = 1e-9 if self.row.unit == "s" else 1
        values = [value * scale for value in self.values]
        return {"status": "ok", "median": statistics.median(values), "minimum": min(values),
                "repetitions": self.repetitions, "rounds": values}


def rounds_for(row, contestants, options):
    """Fewer where one takes long: a row has a budget."""
    spent = 0.0
    for contestant in contestants:
        begun = time.monotonic()
        contestant.attempt(contestant.round)
        spent = max(spent, time.monotonic() - begun)
    wanted = options.budget_seconds / max(spent, 1e-6)
    least = max(row.least_rounds, options.least_rounds)
    return min(row.most_rounds, max(least, min(options.rounds, int(wanted))))


def measure(row, contestants, options):
    """The results of a row by library. The libraries take turns; the first turn goes round too. In each round all threads
    that are timed run on the same processor, which changes from round to round: with neighbours that come and go, two
    processors differ by more than two libraries."""
    first = None
    for contestant in contestants:
        if not row.own_process:
            contestant.attempt(contestant.open)
        if not row.repetitions:
            if row.shared_repetitions and first and not first.failure:
                contestant.repetitions = first.repetitions
            else:
                contestant.repetitions = contestant.attempt(contestant.calibrate)
            if row.shared_repetitions:  # with the same history in every library, since answers may depend on it
                contestant.close()
                contestant.attempt(contestant.open)
        first = first or contestant
    # The first round of all is a warm-up with the repetitions that the others have.
    rounds = rounds_for(row, contestants, options)
    slow = rounds <= options.least_rounds
    for contestant in contestants:
        if not slow:
            contestant.values.clear()
    cpus = sorted(os.sched_getaffinity(0))
    for turn in range(rounds - 1 if slow else rounds):
        shift, cpu = turn % len(contestants), cpus[turn // 2 % len(cpus)]
        for contestant in contestants[shift:] + contestants[:shift]:
            contestant.attempt(lambda: contestant.round(cpu))
    for contestant in contestants:
        contestant.attempt(contestant.close)
    agree(contestants)
    if row.extension:  # not what every library has to have
        contestants = [one for one in contestants if one is contestants[0] or not one.failure or one.failure.word != "lacks"]
    return {contestant.library.name: contestant.result() for contestant in contestants}


def agree(contestants):
    """A library that gives another answer than the first has no figure."""
    right = next((contestant.answers for contestant in contestants if not contestant.failure), None)
    for contestant in contestants:
        if not contestant.failure and contestant.answers != right:
            contestant.failure = Failed("wrong", f"{contestant.answers[-1]} instead of {right[-1]}")
