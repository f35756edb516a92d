"""`python -m bench.quality`: what is raised when nothing is wrong, what is found when something is, and how soon.

One table on stdout, progress on stderr, every run as a JSON row under bench/results. The exit code is 0 whatever the
figures say: each aim has its own `pass` or `BELOW`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from bench.quality.aims import Aim, aims_of
from bench.quality.real import Backtest, backtests, pooled
from bench.quality.rival_runs import faulty_rivals, quiet_rivals
from bench.quality.runs import OURS, faulty, quiet
from bench.quality.score import Quiet, Struck, pool_quiet, pool_struck, row
from bench.quality.streams import STREAMS, Stream
from bench.quality.table import aim_table, fault_table, quiet_table, real_table, rival_table
from driftgauge.detect.detectors import DETECTORS

RESULTS = Path(__file__).parents[1] / "results"
FAULTY = ("iid", "season", "real")
RIVALLED = ("iid", "real")
DATA = "DRIFTGAUGE_DATA"
Run = Quiet | Struck | Backtest | str


@dataclass(frozen=True)
class Extent:
    """How much is simulated: subjects (or seeds) per stream and kind of run."""

    quiet: int
    faulty: int
    rivals: int
    days: int


FULL, QUICK = Extent(quiet=3, faulty=6, rivals=1, days=28), Extent(quiet=1, faulty=1, rivals=0, days=5)


@dataclass(frozen=True)
class Job:
    """A piece of work for one process; `order` puts its rows in the same place whoever is first."""

    order: int
    name: str
    work: Callable[[], Iterator[Run]]

    def rows(self) -> tuple[int, str, list[Run]]:
        """Do it."""
        return self.order, self.name, list(self.work())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep; 0, whatever the figures are."""
    options = _parser().parse_args(arguments)
    extent = QUICK if options.quick else FULL
    started = time.monotonic()
    runs = _measured(_jobs(options, extent), options.jobs)
    quiet_pools = pool_quiet(run for run in runs if isinstance(run, Quiet))
    struck_pools = pool_struck(run for run in runs if isinstance(run, Struck))
    real = pooled(run for run in runs if isinstance(run, Backtest))
    aims = aims_of(quiet_pools, struck_pools, real)
    rows = [*_rows(runs), *({"kind": "aim", "text": a.text, "measured": a.measured, "word": a.word} for a in aims)]
    path = _keep(options.results, rows)
    if options.json:
        sys.stdout.buffer.write(b"".join(orjson.dumps(one) + b"\n" for one in rows))
        return 0
    print(_circumstances(options.seed))
    ours = [pool for pool in quiet_pools if pool.method == OURS]
    found = [pool for pool in struck_pools if pool.method == OURS]
    _section("Without a fault: false alerts (driftgauge, budget 1 a month)", quiet_table(ours) if ours else [])
    _section("With a fault: delays in panes of 60 s (driftgauge)", fault_table(found) if found else [])
    rivalled = [pool for pool in quiet_pools if pool.method != OURS]
    title = "Beside others, on the same streams: false alerts a month, then the median delay in minutes"
    _section(title, rival_table(quiet_pools, struck_pools) if rivalled else [])
    _section("Real data, with the pane length that the profile suggests", real_table(real) if real else [])
    _section("", [run for run in runs if isinstance(run, str)])
    _section("Aims", [*aim_table(aims), _count(aims)] if aims else [])
    print(f"\n{time.monotonic() - started:.0f} s; rows: {os.path.relpath(path)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description="Quality of detection, with aims.")
    parser.add_argument("--quick", action="store_true", help="few and short runs, in less than 40 seconds")
    parser.add_argument("--only", choices=("streams", "faults", "rivals", "real"), help="one part")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (default 1)")
    parser.add_argument("--jobs", type=int, choices=range(1, 65), default=min(2, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--data", type=Path, help=f"folder of the public data sets (default: ${DATA}; else skipped)")
    parser.add_argument("--json", action="store_true", help="every run as a JSON row instead of the tables")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the rows (default bench/results)")
    return parser


def _jobs(options: argparse.Namespace, extent: Extent) -> list[Job]:
    """Everything asked for; the longest first, so that no process has to wait for the other at the end."""
    seed, only = options.seed, options.only
    work: list[tuple[str, Callable[[], Iterator[Run]]]] = []
    if only in (None, "rivals"):
        for stream, subject in _each(RIVALLED, extent.rivals):
            work.append((f"rivals, quiet, {stream.name}", partial(quiet_rivals, seed, stream, subject)))
            work.append((f"rivals, faults, {stream.name}", partial(faulty_rivals, seed, stream, subject)))
    if only in (None, "streams"):
        for stream in STREAMS:
            for subject in range(extent.quiet):
                subjects = range(subject * stream.subjects, (subject + 1) * stream.subjects)
                days = max(extent.days, 28) if stream.subjects > 1 else extent.days
                work.append((f"{stream.name} ({stream.reference})", partial(quiet, seed, stream, subjects, days)))
    if only in (None, "faults"):
        for stream, subject in _each(FAULTY, extent.faulty):
            work.append((f"faults, {stream.name}", partial(faulty, seed, stream, subject)))
    if only in (None, "real"):
        work.append(("real data", partial(_real, options.data, seed, quick=options.quick)))
    return [Job(i, name, do) for i, (name, do) in enumerate(work)]


def _each(names: Sequence[str], subjects: int) -> Iterator[tuple[Stream, int]]:
    chosen = [stream for stream in STREAMS if stream.name in names and stream.reference == "14d"]
    return ((stream, subject) for subject in range(subjects) for stream in chosen)


def _real(data: Path | None, seed: int, *, quick: bool) -> Iterator[Backtest | str]:
    folder = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if folder is None:
        return iter([f"real data: skipped; --data DIR or ${DATA} names the folder of the sets (docs/quality.md)"])
    return backtests(folder, seed, quick=quick)


def _measured(jobs: Sequence[Job], processes: int) -> list[Run]:
    done: list[tuple[int, list[Run]]] = []
    started = time.monotonic()

    def note(order: int, name: str, runs: list[Run]) -> None:
        done.append((order, runs))
        print(f"{time.monotonic() - started:4.0f} s  {len(done)}/{len(jobs)}  {name}", file=sys.stderr)

    if processes == 1:
        for job in jobs:
            note(*job.rows())
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for future in as_completed([pool.submit(job.rows) for job in jobs]):
                note(*future.result())
    return [run for _, runs in sorted(done, key=lambda entry: entry[0]) for run in runs]


def _rows(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for run in runs:
        if isinstance(run, Backtest):
            yield run.row()
        elif not isinstance(run, str):
            yield row(run)


def _keep(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"quality-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rows))
    return path


def _circumstances(seed: int) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "river"))
    return f"Python {platform.python_version()}, {versions}; seed {seed}; detectors: {', '.join(DETECTORS)}"


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        print("\n".join(["", *([title] if title else []), *lines]))


def _count(aims: Sequence[Aim]) -> str:
    reached = sum(aim.reached for aim in aims)
    return f"{reached} of {len(aims)} aims reached"


if __name__ == "__main__":
    sys.exit(main())
