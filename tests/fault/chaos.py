"""Chaos: three workers under load while faults of all kinds come by chance, then the verdict from the log alone.

`make chaos MINUTES=10 SEED=1`. The seed decides which faults come when and how long they last; what they meet depends
on the machine. Exit code 1 if anything was lost, doubled or altered, or not caught up with in time.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fault.catching_up import CatchingUp
from fault.deployment import profiles
from fault.faults import CLUSTER_FAULTS, FAULTS, WORKER_FAULTS, Fault
from fault.flow import Flow
from fault.report import Injected, Report
from fault.scene import Scene, scene

RESULTS = Path(__file__).parents[2] / "bench" / "results"
RATE = 1000
_TOGETHER = 0.3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, keep a row of the results; 0 or 1."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=RATE, help="events a second")
    parser.add_argument("--only", nargs="*", help="faults by name; all by default")
    options = parser.parse_args(arguments)
    faults = {name: fault for name, fault in ALL.items() if not options.only or name in options.only}
    # What clients complain of while their servers are away is expected.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    kinds = f"{len(faults)} kinds of faults"
    say(f"seed {options.seed}, {options.minutes:g} minutes, {options.rate:,} events a second, {kinds}")
    with tempfile.TemporaryDirectory(prefix="driftgauge-chaos-") as folder:
        report = run(Path(folder), faults, options.minutes * 60, options.seed, options.rate)
    say(str(report))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"chaos-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.jsonl"
    path.write_text(json.dumps(report.row()) + "\n")
    return 0 if report.right else 1


ALL = FAULTS | CLUSTER_FAULTS


def run(folder: Path, faults: dict[str, Fault], seconds: float, seed: int, rate: int) -> Report:
    """One run on a Kafka of three nodes and a Redis of its own."""
    report = Report(seed, seconds, rate, os.cpu_count() or 0)
    with scene(folder, profiles(), cluster=True) as running:
        rng = random.Random(seed)
        with running.line.flowing(rate) as flow:
            running.line.wait_for_panes()
            begun = time.monotonic()
            for names in sequence(rng, sorted(faults)):
                time.sleep(rng.uniform(1, 4))
                if time.monotonic() - begun > seconds:
                    break
                report.injected.append(inject(running, flow, names, rng, begun))
                say(str(report.injected[-1]))
        running.line.wait_until_caught_up()
        report.finish(running.fleet.stop(), running.fleet.exits, running.line.verdict())
    return report


def sequence(rng: random.Random, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All in turn, each turn in another order; now and then a worker's fault comes on top."""
    while True:
        for name in rng.sample(names, len(names)):
            beside = [other for other in WORKER_FAULTS if other in names and other != name]
            together = name not in WORKER_FAULTS and beside and rng.random() < _TOGETHER
            yield (name, rng.choice(beside)) if together else (name,)


def inject(running: Scene, flow: Flow, names: tuple[str, ...], rng: random.Random, begun: float) -> Injected:
    """Let it happen, and see how long it takes until all that had come by its end is settled."""
    at, sent = time.monotonic(), flow.sent
    # Generators of their own: two at a time would draw from a common one in whatever order.
    threads = [threading.Thread(target=ALL[name], args=(running, random.Random(rng.random()))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - at
    return Injected(names, at - begun, lasted, CatchingUp(running.line).wait(), flow.sent - sent)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
