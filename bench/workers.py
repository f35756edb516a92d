"""Scenario *workers*: `backtest` as its users run it, by one process and by several, over the same files in turn.

Wall time of the whole command, with the start of its processes. What they wrote has to be the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.events import events
from driftgauge.profiles.profile import Profile
from driftgauge.sources.profile_file import write_profile

FILES = 8


def rows(profile: Profile, rounds: int, count: int) -> list[dict[str, Any]]:
    """A row for each run: `workers`, `seconds` and a digest of the `alerts`; `count` events in each file."""
    numbers = sorted({1, 2, os.cpu_count() or 1})
    with tempfile.TemporaryDirectory(prefix="driftgauge-bench-") as name:
        folder = Path(name)
        write_profile(profile, folder / "profile.json")
        first = folder / "events-0.jsonl"
        with first.open("wb") as file:
            file.writelines(event + b"\n" for event in events(count))
        # Side by side in time, as partitions are; that they hold the same events makes no difference to anybody.
        for number in range(1, FILES):
            (folder / f"events-{number}.jsonl").hardlink_to(first)
        return [_measured(folder, workers, FILES * count) for _ in range(rounds) for workers in numbers]


def table(measured: Sequence[dict[str, Any]]) -> str:
    """As text: seconds, and how many times faster than one process."""
    seconds: dict[int, list[float]] = {}
    for row in measured:
        seconds.setdefault(row["workers"], []).append(row["seconds"])
    lines = [f"\nworkers: backtest of {FILES} files, {measured[0]['events']:,} events, medians of {len(seconds[1])}"]
    for workers, taken in seconds.items():
        ratio = statistics.median(one / own for one, own in zip(seconds[1], taken, strict=True))
        lines.append(f"  --workers {workers}{statistics.median(taken):10.1f} s{ratio:8.2f}x")
    same = len({row["alerts"] for row in measured}) == 1
    lines.append(f"  alerts: {'the same bytes' if same else 'NOT THE SAME'}")
    return "\n".join(lines)


def _measured(folder: Path, workers: int, count: int) -> dict[str, Any]:
    out = folder / "alerts.jsonl"
    files = [str(file) for file in sorted(folder.glob("events-*.jsonl"))]
    options = ["--profile", str(folder / "profile.json"), "--pane", "60s", "--alerts", str(out)]
    command = [sys.executable, "-m", "driftgauge", "backtest", *options, "--workers", str(workers), "--file", *files]
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    taken = time.monotonic() - started
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    load = os.getloadavg()[0]
    return {
        "scenario": "workers",
        "workers": workers,
        "events": count,
        "seconds": taken,
        "alerts": digest,
        "load": load,
    }
