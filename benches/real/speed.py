"""The Kotlin programs on several engines, side by side: processor time of one repetition, in steady state, and ratios."""

import statistics
import time

from packages import Failed
from programs import KERNELS


def repetitions(kernels, name):
    """So many that a call takes some 30 ms, after the engine's compilers have had time to do their best."""
    count, until = 1, time.monotonic() + 0.8
    while True:
        taken, _ = kernels.call(name, count)
        if taken < 20e6 and count < 1 << 24:
            count *= 2
        elif time.monotonic() > until:
            return count


def compare(module, engines, rounds):
    processes = [engine.kernels(module) for engine in engines]
    print("".join(f"{word:>18}" for word in ["", *(f"{engine.name}, µs" for engine in engines), *(f"{e.name} / {engines[0].name}" for e in engines[1:])]))
    for kernel in KERNELS:
        export = f"run_{kernel}"
        counts = [repetitions(process, export) for process in processes]
        times = [[] for _ in engines]
        # In turn, so that what else the machine does hits all of them.
        for _ in range(rounds):
            for process, count, taken in zip(processes, counts, times):
                taken.append(process.call(export, count)[0] / count)
        results = {process.call(export, 3)[1] for process in processes}
        if len(results) != 1:
            raise Failed(f"{kernel}: the engines disagree: {results}")
        medians = [statistics.median(taken) for taken in times]
        figures = [f"{median / 1e3:18.1f}" for median in medians] + [f"{median / medians[0]:18.2f}" for median in medians[1:]]
        print(f"{kernel:>18}{''.join(figures)}", flush=True)
    for process in processes:
        process.close()
