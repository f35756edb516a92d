"""Public data sets as cases: how each is split into reference and live rows, and what is known to happen in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree

Split = Callable[[pa.Table], tuple[pa.Table, pa.Table]]
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_INTERVALS = {"1s": timedelta(seconds=1), "10s": timedelta(seconds=10), "30m": timedelta(minutes=30)}


@dataclass(frozen=True)
class Case:
    """A set and what is known of it.

    `columns`: options as on the command line; `interval` and `start` of the rows where no column holds their time.
    `events`: known windows (ms since 1970), in which an alert on one of `features` (empty: any) is a find. `aim`: what
    is promised about it, empty where nothing is; reached with every event found and nothing before, on those features.
    `pane`: as on the command line.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    split: Split
    known: str
    interval: str = ""
    start: datetime = _EPOCH
    events: tuple[tuple[int, int], ...] = ()
    features: tuple[str, ...] = ()
    aim: str = ""
    pane: str = "auto"

    def timing(self, row: int) -> tuple[str, ...]:
        """The options that say when row `row` of the whole set was, if it is counted."""
        if not self.interval:
            return ()
        at = self.start + row * _INTERVALS[self.interval]
        return ("--interval", self.interval, "--start", f"{at:%Y-%m-%dT%H:%M:%SZ}")


def cases(data: Path, seed: int, *, quick: bool) -> Iterator[Case]:
    """All cases; with `quick` those that take a second or so."""
    yield _elec2()
    for name, first, rates in _ERRORS:
        yield _errors(name, first, rates)
    for path, excluded in _HALVES.items():
        yield _halves(path, excluded, seed)
    yield _bike_sharing()
    yield from _nab(data, artificial_only=quick)
    if not quick:
        yield from (replace(case, name=f"{case.name}, 5m", pane="5m") for case in _nab(data, artificial_only=False))
        yield _fraud()


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _at(rows: int, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    return table.slice(0, rows), table.slice(rows)


def _elec2() -> Case:
    start = datetime(1996, 5, 7, tzinfo=UTC)
    onset = start + 17_424 * _INTERVALS["30m"]
    return Case(
        "elec2",
        "elec2/elec2.parquet",
        ("--prediction", "class", "--exclude", "date"),
        partial(_at, 10_000),
        "3 dead features come alive at row 17,424",
        "30m",
        start,
        ((_ms(onset), _ms(onset + timedelta(days=2))),),
        ("vicprice", "vicdemand", "transfer"),
        "all three within 2 days",
    )


# Where the first change begins, and what it does to the model's error rate. That of SEA is lost in its noise.
_ERRORS = (
    ("sine_0123_abrupto", 10_000, "1 → 99 %"),
    ("sine_0123_gradual", 9_000, "1 → 92 %"),
    ("stagger_0120_abrupto", 10_000, "0 → 55 %"),
    ("sea_0123_abrupto_noise_0.2", 10_000, "22 → 23 %"),
)


def _errors(name: str, first: int, rates: str) -> Case:
    """Whether a nearest-neighbour model of the first concept errs, row by row: it does once the concept has changed."""
    onset = _EPOCH + timedelta(seconds=first)
    return Case(
        f"harvard {name.partition('_noise')[0]}",
        f"harvard_drift/{name}.parquet",
        ("--exclude", "class"),
        partial(_with_errors, 3_000, 8_000),
        f"errors {rates} at row {first:,}",
        "1s",
        _EPOCH,
        ((_ms(onset), _ms(onset + timedelta(seconds=10_000))),),
        ("error",),
        "found in the errors" if "noise" not in name else "",
    )


def _with_errors(train: int, reference: int, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    features = [name for name in table.column_names if name != "class"]
    x = np.column_stack([table[name].to_numpy() for name in features])
    y = table["class"].to_numpy().astype(np.int64)
    _, near = cKDTree(x[:train]).query(x, k=15)
    wrong = (y[:train][near].mean(axis=1) > 0.5) != y
    table = table.append_column("error", pa.array(wrong))
    # The rows that the model was made of are neither reference nor live.
    return table.slice(train, reference - train), table.slice(reference)


_HALVES: Mapping[str, tuple[str, ...]] = {
    "uci_credit_default/uci_credit_default.parquet": (),
    "phishing/phishing.parquet": (),
    "adult_evidently/adult.parquet": (),
    "hmeq/hmeq.parquet": (),
    "elec2/elec2.parquet": ("date",),
    "bike_sharing/hour.parquet": ("instant", "dteday"),
    "noaa_weather/noaa_weather.parquet": (),
}


def _halves(path: str, excluded: tuple[str, ...], seed: int) -> Case:
    return Case(
        f"{path.partition('/')[0]}, halves",
        path,
        ("--exclude", ",".join(excluded)) if excluded else (),
        partial(_shuffled, seed),
        "two random halves: nothing",
        "10s",
        aim="no alert",
    )


def _shuffled(seed: int, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    table = table.take(np.random.Generator(np.random.PCG64(seed)).permutation(table.num_rows))
    return _at(table.num_rows // 2, table)


def _bike_sharing() -> Case:
    def split(table: pa.Table) -> tuple[pa.Table, pa.Table]:
        hours = [f"{day}T{hour:02d}:00:00Z" for day, hour in zip(table["dteday"].to_pylist(), table["hr"].to_pylist())]  # noqa: B905
        table = table.append_column("at", pa.array(hours))
        first = pc.equal(table["yr"], 0)
        return table.filter(first), table.filter(pc.invert(first))

    excluded = "instant,dteday,yr,mnth,season,hr,weekday,holiday,workingday"
    columns = ("--timestamp", "at", "--exclude", excluded)
    return Case("bike_sharing", "bike_sharing/hour.parquet", columns, split, "2011 against 2012: season and growth")


def _nab(data: Path, *, artificial_only: bool) -> Iterator[Case]:
    """Each file's first 15 % are the reference, as in NAB's own scoring; files of one kind are one row."""
    labels = data / "nab" / "combined_windows.json"
    if not labels.exists():
        yield Case("nab", "nab/combined_windows.json", (), partial(_at, 0), "labelled windows")
        return
    for name, windows in json.loads(labels.read_bytes()).items():
        kind = name.partition("/")[0]
        if artificial_only and not kind.startswith("artificial"):
            continue
        quiet = kind == "artificialNoAnomaly"
        yield Case(
            f"nab {kind}",
            "nab/nab.parquet",
            ("--timestamp", "timestamp", "--features", "value"),
            partial(_one_file, name),
            "no anomaly" if quiet else "labelled windows",
            events=tuple((_ms(_utc(a)), _ms(_utc(b))) for a, b in windows),
            aim="no alert" if quiet else "",
        )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _one_file(name: str, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    rows = table.filter(pc.equal(table["file"], name))
    return _at(int(0.15 * rows.num_rows), rows)


def _fraud() -> Case:
    start = _ms(datetime(2018, 4, 1, tzinfo=UTC)) // 1000

    def split(table: pa.Table) -> tuple[pa.Table, pa.Table]:
        table = table.append_column("at", pc.add(pc.cast(table["tx_time_seconds"], pa.int64()), start))
        first = pc.less(table["tx_time_seconds"], 28 * 86_400)
        return table.filter(first), table.filter(pc.invert(first))

    return Case(
        "fraud_handbook",
        "fraud_handbook_h1/transactions_days000_091.parquet",
        ("--timestamp", "at", "--features", "tx_amount"),
        split,
        "simulated, amounts alike but for 1 % of frauds",
    )
