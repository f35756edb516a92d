"""`python -m bench`: both sides in turn, then detection and checkpoints; the ratios last.

Raw rows go to bench/results.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from bench import checkpoints, detection, files, live, workers
from bench.apart import apart
from bench.events import EVENTS_PER_MINUTE, build_reference_profile, events
from bench.measurement import LOOP, OURS, Measurement
from driftgauge.profiles.profile import Profile

RESULTS = Path(__file__).parent / "results"
TARGETS = {"files": 5.0, "lenient": 2.0, "kafka": 4.0}
ODD = 0.05
Rounds = list[tuple[Measurement, Measurement]]
Side = Callable[[int], Measurement]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep; 0, whatever the ratios are."""
    options = _parser().parse_args(arguments)
    profile = build_reference_profile()
    print(_circumstances(options.rounds, options.events))
    results: dict[str, Rounds] = {}
    if options.only in (None, "files"):
        results["files"] = _files(profile, options, 0.0)
        results["lenient"] = _files(profile, options, ODD)
    if options.only in (None, "kafka"):
        absent = live.missing_services()
        if absent:
            print(f"\nkafka: skipped, {absent} is not installed; `make services` brings it")
        else:
            results["kafka"] = _kafka(profile, options)
    for scenario, rounds in results.items():
        print(_stages(scenario, rounds))
    detected = detection.rows() if options.only in (None, "detect") else []
    if detected:
        print(detection.table(detected))
    saved = _checkpoints() if options.only in (None, "checkpoint") else []
    if saved:
        print(checkpoints.table(saved))
    shared = []
    if options.only in (None, "workers"):
        shared = workers.rows(profile, options.rounds, options.events)
        print(workers.table(shared))
    if results or detected or saved or shared:
        print(f"\nraw rows: {os.path.relpath(_keep(options.results, results, [*detected, *saved, *shared]))}")
    if results:
        print(_verdict(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Speed beside the loop one would write by hand."
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="rounds of each side, in turn (default 3)")
    parser.add_argument("--events", type=_positive, default=100_000, help="events of a round (default 100000)")
    parser.add_argument("--only", choices=("files", "kafka", "detect", "checkpoint", "workers"), help="one scenario")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the raw rows (default bench/results)")
    return parser


def _checkpoints() -> list[dict[str, Any]]:
    if absent := checkpoints.missing_services():
        print(f"\ncheckpoint: skipped, {absent} is not installed; `make services` brings it")
        return []
    return checkpoints.rows()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _files(profile: Profile, options: argparse.Namespace, odd: float) -> Rounds:
    with tempfile.TemporaryDirectory(prefix="driftgauge-bench-") as folder:
        path = Path(folder) / "events.jsonl"
        with path.open("wb") as file:
            file.writelines(event + b"\n" for event in events(options.events, odd=odd))
        name = "files" if odd == 0 else "lenient"
        return _rounds(
            name,
            options.rounds,
            lambda _: apart(files.run_ours, path, profile, tuned=True),
            lambda _: apart(files.run_loop, path, profile),
        )


def _kafka(profile: Profile, options: argparse.Namespace) -> Rounds:
    n = options.events
    with live.services(events(n)) as at:
        return _rounds(
            "kafka",
            options.rounds,
            lambda i: apart(live.run_ours, at, profile, n, f"bench-ours-{i}", tuned=True),
            lambda i: apart(live.run_loop, at, profile, n, f"bench-loop-{i}"),
        )


def _rounds(scenario: str, count: int, ours: Side, loop: Side) -> Rounds:
    """A B A B …, so that both sides see the same disturbances."""
    done = []
    for i in range(count):
        pair = (ours(i), loop(i))
        for side in pair:
            if sys.stderr.isatty():
                print(f"{scenario} round {i + 1}: {side.side} {side.wall:.1f} µs/event", file=sys.stderr)
        done.append(pair)
    return done


def _stages(scenario: str, rounds: Rounds) -> str:
    """One table: µs per event by stage, medians of the rounds."""
    lines = [f"\n{scenario}: µs per event, medians of {len(rounds)} rounds{'':9}wall      CPU    events/s"]
    for at, side in enumerate((OURS, LOOP)):
        runs = [pair[at] for pair in rounds]
        n = runs[0].events
        for stage in runs[-1].stages:
            wall, cpu = (
                statistics.median(run.stages[stage][clock] / 1000 / n if stage in run.stages else 0.0 for run in runs)
                for clock in (0, 1)
            )
            lines.append(f"  {side:12}  {stage:32}{wall:9.2f}{cpu:9.2f}")
        wall, cpu = statistics.median(r.wall for r in runs), statistics.median(r.cpu for r in runs)
        lines.append(f"  {side:12}  {'total':32}{wall:9.2f}{cpu:9.2f}{1e6 / wall:12,.0f}")
        found = ", ".join(f"{name} {value:,}" for name, value in runs[-1].outcome.items())
        lines.append(f"  {side:12}  {found}")
    return "\n".join(lines)


def ratio(rounds: Rounds, clock: str = "wall") -> float:
    """How many times faster ours is: the median of the rounds' own ratios."""
    ratios: list[float] = [getattr(loop, clock) / getattr(ours, clock) for ours, loop in rounds]
    return statistics.median(ratios)


def _verdict(results: dict[str, Rounds]) -> str:
    lines = []
    for scenario, rounds in results.items():
        reached, target = ratio(rounds), TARGETS[scenario]
        word = "pass" if reached >= target else "BELOW"
        lines.append(f"  {scenario:8} {reached:5.1f}x  (CPU {ratio(rounds, 'cpu'):.1f}x)  target {target:.0f}x  {word}")
    short = ", ".join(f"{scenario} {ratio(rounds):.1f}x" for scenario, rounds in results.items())
    return "\n".join(["\ntimes faster than the hand-written loop", *lines, short])


def _circumstances(rounds: int, count: int) -> str:
    names = ", ".join(f"{name} {version(name)}" for name in ("river", "kafka-python", "orjson", "msgspec", "numpy"))
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"Python {platform.python_version()}, {names}; {os.cpu_count()} cores, load {load}\n"
        f"{rounds} rounds of {count:,} events of 51 features and 1.2 kB, {EVENTS_PER_MINUTE:,} to a pane of 60 s"
    )


def _keep(folder: Path, results: dict[str, Rounds], others: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.jsonl"
    rows = [
        run.row(scenario, number)
        for scenario, rounds in results.items()
        for number, pair in enumerate(rounds, start=1)
        for run in pair
    ]
    rows += others
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


if __name__ == "__main__":
    sys.exit(main())
