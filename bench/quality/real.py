"""Backtests over public data sets, by the commands that a user would type; what is known of a set is in its case.

The sets aren't part of the project (some state no licence); where no folder with them is given, or a set is not in it,
that is skipped and said so.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from typer.testing import CliRunner

from bench.quality.real_cases import Case, cases
from driftgauge.cli import app


@dataclass(frozen=True)
class Backtest:
    """Backtests of a set: alerts opened, by series and by day, and how many of the known events were found.

    `before`: alerts on the case's features before its first event (all of them where there is none). `hours`: from the
    first event to the first alert in it, None where it was not found. `aim` is empty where nothing is promised.
    """

    name: str
    files: int
    rows: int
    pane: str
    known: str
    alerts: int
    by_series: dict[str, int]
    by_day: dict[str, int]
    before: int
    events: int
    found: int
    features: str
    hours: float | None
    aim: str
    reached: bool

    @property
    def result(self) -> str:
        """What was found of what is known."""
        when = f", {self.hours:.1f} h" if self.files == 1 and self.hours is not None else ""
        return f"{self.found}/{self.events}{when}{self.features}" if self.events else ""

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": "real", **asdict(self)}


def backtests(data: Path, seed: int, *, quick: bool) -> Iterator[Backtest | str]:
    """Every case as it is done; a text where one was skipped, and why."""
    for case in cases(data, seed, quick=quick):
        if not (data / case.file).exists():
            yield f"{case.name}: skipped, {case.file} is not there"
            continue
        with tempfile.TemporaryDirectory(prefix="driftgauge-quality-") as folder:
            yield _backtest(case, data, Path(folder))


def pooled(runs: Iterable[Backtest]) -> list[Backtest]:
    """Files of one name as one row, in the order they first came."""
    pools: dict[str, Backtest] = {}
    for run in runs:
        known = pools.get(run.name)
        if known is None:
            pools[run.name] = run
            continue
        pools[run.name] = replace(
            known,
            files=known.files + run.files,
            rows=known.rows + run.rows,
            pane=known.pane if known.pane == run.pane else "various",
            alerts=known.alerts + run.alerts,
            by_series=dict(Counter(known.by_series) + Counter(run.by_series)),
            by_day=dict(sorted((Counter(known.by_day) + Counter(run.by_day)).items())),
            before=known.before + run.before,
            events=known.events + run.events,
            found=known.found + run.found,
            reached=known.reached and run.reached,
        )
    return list(pools.values())


def _backtest(case: Case, data: Path, folder: Path) -> Backtest:
    table = pq.read_table(data / case.file)
    reference, live = case.split(table)
    files = {"reference": folder / "reference.parquet", "live": folder / "live.parquet"}
    pq.write_table(reference, files["reference"])
    pq.write_table(live, files["live"])
    profile, alerts = folder / "profile.json", folder / "alerts.jsonl"
    model = ("--model-id", "quality", "--model-version", "1")
    first = table.num_rows - live.num_rows
    timing = case.timing(first - reference.num_rows)
    _command("profile", "build", files["reference"], *model, *case.columns, *timing, "--out", profile)
    options = (*case.columns, *case.timing(first), "--pane", case.pane, "--alerts", alerts)
    _command("backtest", "--profile", profile, "--file", files["live"], *options)
    opened = [event for event in map(json.loads, alerts.read_text().splitlines()) if event["event"] == "opened"]
    pane = json.loads(profile.read_bytes())["suggested_pane"] if case.pane == "auto" else case.pane
    return _scored(case, live.num_rows, pane, opened)


def _scored(case: Case, rows: int, pane: str, opened: list[dict[str, Any]]) -> Backtest:
    labels = [(event["labels"].get("feature", "prediction"), event["labels"]["series"]) for event in opened]
    watched = [
        (feature, _ms(event["startsAt"]))
        for (feature, _), event in zip(labels, opened, strict=True)
        if not case.features or feature in case.features
    ]
    hits = [[(feature, at) for feature, at in watched if a < at <= b] for a, b in case.events]
    first = case.events[0][0] if case.events else None
    before = sum(first is None or at <= first for _, at in watched)
    named = {feature for hit in hits for feature, _ in hit}
    return Backtest(
        case.name,
        1,
        rows,
        pane,
        case.known,
        len(opened),
        dict(Counter(f"{feature} {series}" for feature, series in labels)),
        dict(sorted(Counter(event["startsAt"][:10] for event in opened).items())),
        before,
        len(hits),
        sum(bool(hit) for hit in hits),
        f", {len(named)}/{len(case.features)} features" if len(case.features) > 1 else "",
        (min(at for _, at in hits[0]) - first) / 3_600_000 if hits and hits[0] and first is not None else None,
        case.aim,
        all(hits) and before == 0 and named >= set(case.features),
    )


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def _command(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exit_code:
        raise RuntimeError(f"driftgauge {' '.join(map(str, arguments))}: {done.output}{done.exception or ''}")
