"""The work, cut into jobs that processes of their own can take: each stream and subject is one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bench.quality.real import Backtest, backtests
from bench.quality.rival_runs import faulty_rivals, quiet_rivals
from bench.quality.runs import QUIET_DAYS, faulty, faulty_traffic, quiet
from bench.quality.score import Quiet, Struck
from bench.quality.streams import STREAMS, Stream

PARTS = ("streams", "faults", "rivals", "real")
RIVALLED = (("iid", "14d"), ("real", "14d"))
DATA = "DRIFTGAUGE_DATA"
Run = Quiet | Struck | Backtest | str


@dataclass(frozen=True)
class Extent:
    """How much is simulated.

    `quiet`: runs per stream without a fault, at most, of so many `days`; `rivals`: runs of the rivals per stream;
    `struck`: runs with each fault by stream and reference, `traffic`: with each fault of the traffic.
    """

    quiet: int
    days: int
    rivals: int
    struck: Mapping[tuple[str, str], int]
    traffic: Mapping[tuple[str, str], int]


FULL = Extent(
    quiet=3,
    days=QUIET_DAYS,
    rivals=1,
    struck={("iid", "14d"): 5, ("season", "14d"): 5, ("real", "14d"): 5, ("iid", "shuffled"): 3},
    traffic={("iid", "14d"): 3, ("traffic", "14d"): 3},
)
QUICK = Extent(quiet=1, days=3, rivals=0, struck={("iid", "14d"): 1, ("real", "14d"): 1}, traffic={("iid", "14d"): 1})


@dataclass(frozen=True)
class Job:
    """A piece of work for one process; `order` puts its runs in the same place whoever is first."""

    order: int
    name: str
    work: Callable[[], Iterator[Run]]

    def runs(self) -> tuple[int, str, list[Run]]:
        """Do it."""
        return self.order, self.name, list(self.work())


def jobs_of(only: str | None, extent: Extent, seed: int, data: Path | None, *, quick: bool) -> list[Job]:
    """Everything asked for (`only`: one of PARTS); long jobs first, so that no process waits for another at the end."""
    work: list[tuple[str, Callable[[], Iterator[Run]]]] = []
    if only in (None, "rivals"):
        for stream, subject in _each(dict.fromkeys(RIVALLED, extent.rivals)):
            work.append((f"rivals without a fault, {stream.name}", partial(quiet_rivals, seed, stream, subject)))
            work.append((f"rivals with faults, {stream.name}", partial(faulty_rivals, seed, stream, subject)))
    if only in (None, "streams"):
        for stream in STREAMS:
            for subject in range(min(extent.quiet, stream.runs)):
                subjects = range(subject * stream.subjects, (subject + 1) * stream.subjects)
                # Panes of a day are few whatever the extent.
                days = QUIET_DAYS if stream.subjects > 1 else extent.days
                name = f"without a fault, {stream.name}, reference {stream.reference}"
                work.append((name, partial(quiet, seed, stream, subjects, days)))
    if only in (None, "faults"):
        for stream, subject in _each(extent.struck):
            work.append(
                (f"with faults, {stream.name}, reference {stream.reference}", partial(faulty, seed, stream, subject))
            )
        for stream, subject in _each(extent.traffic):
            work.append((f"with faults of the traffic, {stream.name}", partial(faulty_traffic, seed, stream, subject)))
    if only in (None, "real"):
        work.append(("real data", partial(_real, data, seed, quick=quick)))
    return [Job(i, name, do) for i, (name, do) in enumerate(work)]


def _each(runs: Mapping[tuple[str, str], int]) -> Iterator[tuple[Stream, int]]:
    """Every stream with the number of each of its runs."""
    chosen = [(stream, runs.get((stream.name, stream.reference), 0)) for stream in STREAMS]
    return ((stream, subject) for stream, count in chosen for subject in range(count))


def _real(data: Path | None, seed: int, *, quick: bool) -> Iterator[Run]:
    folder = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if folder is None:
        return iter([f"Real data: skipped; --data DIR or ${DATA} names the folder of the sets (docs/quality.md)"])
    return backtests(folder, seed, quick=quick)


def measured(jobs: Sequence[Job], processes: int) -> list[Run]:
    """All runs in the order of the jobs, whoever did them and when; progress goes to stderr."""
    done: list[tuple[int, list[Run]]] = []
    started = time.monotonic()

    def note(order: int, name: str, runs: list[Run]) -> None:
        done.append((order, runs))
        print(f"{time.monotonic() - started:4.0f} s  {len(done)}/{len(jobs)}  {name}", file=sys.stderr, flush=True)

    if processes == 1:
        for job in jobs:
            note(*job.runs())
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for future in as_completed([pool.submit(job.runs) for job in jobs]):
                note(*future.result())
    return [run for _, runs in sorted(done, key=lambda entry: entry[0]) for run in runs]
