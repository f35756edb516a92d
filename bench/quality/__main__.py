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
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from bench.quality.aims import Aim, aims_of
from bench.quality.jobs import DATA, FULL, PARTS, QUICK, Run, jobs_of, measured
from bench.quality.real import Backtest, pooled
from bench.quality.runs import OURS
from bench.quality.score import Quiet, Struck, pool_quiet, pool_struck, row
from bench.quality.table import aim_table, fault_table, quiet_table, real_table, rival_table
from driftgauge.detect.detectors import DETECTORS

RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, keep; 0, whatever the figures are."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    extent = QUICK if options.quick else FULL
    runs = measured(jobs_of(options.only, extent, options.seed, options.data, quick=options.quick), options.jobs)
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
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (default 1)")
    parser.add_argument("--jobs", type=int, choices=range(1, 65), default=min(2, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--data", type=Path, help=f"folder of the public data sets (default: ${DATA}; else skipped)")
    parser.add_argument("--json", action="store_true", help="every run as a JSON row instead of the tables")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the rows (default bench/results)")
    return parser


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
