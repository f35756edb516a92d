"""The streams that the scoreboard runs on: how a model's fields move when nothing is wrong.

Each is a way in which harmless streams differ from independent draws (season, wander, traffic, tails). Everything is
drawn from one seed: `[seed, stream, subject, part]`, so that a row can be made again on its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.quality.fields import Array, Categorical, Field, Numeric, State, draw_counts, draw_values
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import default_model
from driftgauge.panes.sample import RowSample
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.reference import MISSING_CODE, CodedColumn, Column, NumericColumn
from driftgauge.profiles.repeats import ROWS, number_ids

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_571_200_000  # Monday 2026-01-05T00:00:00Z: the reference; production follows it
REFERENCE_DAYS = 14
PRODUCTION = START + REFERENCE_DAYS * DAY
THINNED_ROWS = 200_000
SHUFFLED_ROWS = 10_000

FIELDS: tuple[Field, ...] = (
    Numeric("income", 10.3, 0.5, "exp"),
    Numeric("age", 45.0, 12.0),
    Numeric("balance", 6.0, 1.2, "exp", zeros=0.3),
    Categorical(
        "employment_type",
        dict(zip("abcdefgh", (0.35, 0.25, 0.15, 0.10, 0.06, 0.05, 0.03, 0.01), strict=True)),
        missing=0.008,
    ),
    Categorical("channel", {"web": 0.6, "app": 0.3, "phone": 0.1}),
    Categorical("returning", {False: 0.8, True: 0.2}),
    Numeric("score", -1.0, 1.0, "logistic"),
)


@dataclass(frozen=True)
class Stream:
    """A kind of harmless stream. `rate`: events per pane; `season`, `week`: amplitudes (sd) of a day's sine and of the
    weekend; `wander`, `memory`: sd and correlation time (ms) of an Ornstein-Uhlenbeck process; `spikes`: sd unit of
    Student-t3 noise from pane to pane; `busy`: traffic swings by the hour, from a fifth to 1.8 of the rate; `auto`:
    the model's panes are as long as the profile suggests, not `pane`. `runs` of `subjects` each are simulated.
    """

    name: str
    note: str
    pane: int = MINUTE
    rate: float = 60.0
    season: float = 0.0
    week: float = 0.0
    wander: float = 0.0
    memory: float = 6 * HOUR
    spikes: float = 0.0
    busy: bool = False
    tails: bool = False
    auto: bool = False
    reference: Literal["14d", "shuffled"] = "14d"
    subjects: int = 1
    runs: int = 3

    @property
    def fields(self) -> tuple[Field, ...]:
        """The model's fields, its score last; with `tails` of t3 and lognormal (sigma 1.5) values."""
        if not self.tails:
            return FIELDS
        heavy = {
            "income": Numeric("income", 10.3, 1.5, "exp"),
            "age": Numeric("age", 45.0, 12.0, tail="t3"),
            "balance": Numeric("balance", 6.0, 1.5, "exp", tail="t3", zeros=0.3),
        }
        return tuple(heavy.get(field.name, field) for field in FIELDS)


_real = partial(Stream, season=0.3, week=0.15, wander=0.1)
STREAMS = (
    Stream("iid", "independent events"),
    Stream("ar1", "AR(1) .9 between panes, .2 sd", wander=0.2, memory=-MINUTE / np.log(0.9)),
    Stream("season", "daily sine .3 sd", season=0.3),
    _real("real", "daily .3, weekend .15, OU 6 h .1 sd"),
    Stream("season, auto", "as season, panes as the profile suggests", season=0.3, auto=True),
    _real("real, auto", "as real, panes as the profile suggests", auto=True),
    Stream("spikes", "t3 noise between panes, .1 sd", spikes=0.1),
    Stream("tails", "t3 and lognormal values", tails=True),
    _real("traffic", "12..108 events/min by the hour, else real", busy=True),
    Stream("6/min", "6 events a pane of 60 s", rate=6.0),
    Stream("1/pane", "1 event a pane of 60 s", rate=1.0),
    Stream("150/day", "150 rows a day, panes of a day", pane=DAY, rate=150.0, subjects=30),
    Stream("iid", "independent events", reference="shuffled"),
    Stream("season", "daily sine .3 sd", season=0.3, reference="shuffled"),
    _real("real", "daily .3, weekend .15, OU 6 h .1 sd", reference="shuffled"),
)


class Course:
    """A subject's stream over some panes, without faults: `starts` int64 [P] ms, `n` events, `states` by field."""

    def __init__(self, stream: Stream, first: int, panes: int, rng: np.random.Generator, *, keep: float = 1.0) -> None:
        """Draw the course of `panes` panes from `first` (ms) on; `keep`: share of the events that are looked at."""
        self.stream = stream
        self.starts = first + stream.pane * np.arange(panes, dtype=np.int64)
        day = self.starts % DAY / DAY
        rate = stream.rate * (1.0 + 0.8 * np.sin(2 * np.pi * (day - 0.3)) if stream.busy else np.ones(panes))
        self.n: NDArray[np.int64] = rng.poisson(rate * keep).astype(np.int64)
        weekend = (self.starts // DAY + 3) % 7 >= 5  # 1970-01-01 was a Thursday.
        self.states = {}
        for i, field in enumerate(stream.fields):
            # Fields don't peak together, or they would be one field.
            shift = stream.season * np.sin(2 * np.pi * (day - i / 7)) + stream.week * weekend
            self.states[field.name] = State(shift + _wander(stream, panes, rng))

    def part(self, begin: int, end: int) -> Course:
        """The panes [begin, end), as a course of their own."""
        part = Course.__new__(Course)
        part.stream, part.starts, part.n = self.stream, self.starts[begin:end], self.n[begin:end]
        part.states = {name: replace(s, shift=s.shift[begin:end]) for name, s in self.states.items()}
        return part

    def counts(self, layout: Layout, rng: np.random.Generator) -> NDArray[np.int64]:
        """Counts of all panes over the layout's cells, int64 [P, K]."""
        slots = {slot.name: slot for slot in layout.slots}
        parts = {f.name: draw_counts(f, slots[f.name], self.states[f.name], self.n, rng) for f in self.stream.fields}
        return np.concatenate([parts[slot.name] for slot in layout.slots], axis=1)

    def samples(self, layout: Layout, rng: np.random.Generator) -> Sequence[RowSample]:
        """What is looked at for repeats in each pane; the fields' values are drawn independently of the counts."""
        fields = {field.name: field for field in self.stream.fields}
        held = np.minimum(self.n, ROWS)
        pane = np.repeat(np.arange(len(held), dtype=np.int64), held)
        watched = [fields[slot.name] for slot in layout.repeats]
        ids = np.zeros((len(watched), len(pane)), np.uint32)
        for row, field in zip(ids, watched, strict=True):
            row[:] = number_ids(draw_values(field, self.states[field.name], pane, rng))
        names, keys, begins = tuple(field.name for field in watched), np.arange(ROWS, dtype=np.uint32), np.cumsum(held)
        return [RowSample(names, keys[:n], ids[:, end - n : end]) for n, end in zip(held, begins, strict=True)]

    def values(self, field: Field, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array]:
        """Every event of a field: the row of its pane int64 [n] (ascending), and its value, see `draw_values`."""
        pane = np.repeat(np.arange(len(self.n), dtype=np.int64), self.n)
        return pane, draw_values(field, self.states[field.name], pane, rng)


def _wander(stream: Stream, panes: int, rng: np.random.Generator) -> Array:
    # Beyond ten units a spike would be a fault of its own.
    out = stream.spikes * np.clip(rng.standard_t(3, panes), -10, 10) if stream.spikes else np.zeros(panes)
    if stream.wander:
        keep = np.exp(-stream.pane / stream.memory)
        noise = rng.standard_normal(panes) * stream.wander * np.sqrt(1 - keep**2)
        noise[0] = rng.standard_normal() * stream.wander
        out += lfilter([1.0], [1.0, -keep], noise)
    return np.asarray(out, np.float64)


def generator(seed: int, stream: Stream, subject: int, part: str) -> np.random.Generator:
    """The random numbers of one part of one subject's stream."""
    words = [seed, *(zlib.crc32(text.encode()) for text in (stream.name, stream.reference, part)), subject]
    return np.random.Generator(np.random.PCG64(words))


def reference_values(stream: Stream, rng: np.random.Generator) -> tuple[NDArray[np.int64], dict[str, Array]]:
    """Times (ms) and values by field of the rows a user would have: 14 days, thinned to a cap.

    The shuffled reference has 10,000 of them in random order, without times: they are counted at one second each.
    """
    panes = REFERENCE_DAYS * DAY // stream.pane
    cap = THINNED_ROWS if stream.reference == "14d" else SHUFFLED_ROWS * 1.05
    course = Course(stream, START, panes, rng, keep=min(1.0, cap / (panes * stream.rate)))
    drawn = {field.name: course.values(field, rng) for field in stream.fields}
    pane = next(iter(drawn.values()))[0]
    times = course.starts[pane] + rng.integers(0, stream.pane, len(pane))
    values = {name: column for name, (_, column) in drawn.items()}
    if stream.reference == "shuffled":
        chosen = rng.permutation(len(times))[:SHUFFLED_ROWS]
        return START + 1000 * np.arange(len(chosen), dtype=np.int64), {k: v[chosen] for k, v in values.items()}
    return times, values


def model_of(stream: Stream, times: NDArray[np.int64], values: dict[str, Array]) -> Model:
    """The model as a user with these reference rows gets it: `profile build`, then the default settings."""
    columns = {field.name: _column(field, values[field.name]) for field in stream.fields}
    score = columns.pop("score")
    assert isinstance(score, NumericColumn)
    reference = Reference(["reference"], times, columns, score=score, timed=stream.reference == "14d")
    profile = build_profile(reference, model_id="quality", model_version="1").profile
    return default_model(profile, pane="auto" if stream.auto else f"{stream.pane // 1000}s")


def _column(field: Field, values: Array) -> Column:
    if isinstance(field, Numeric):
        return NumericColumn(values)
    codes = np.where(np.isfinite(values), values, MISSING_CODE).astype(np.int64)
    boolean = isinstance(next(iter(field.shares)), bool)
    return CodedColumn("boolean" if boolean else "string", codes, list(field.shares))
