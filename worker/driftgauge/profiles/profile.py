"""The profile: what a model's inputs and outputs looked like when it was trained.

Read by every later stage; written by `profile build`. Immutable, named by the hash of its content. The file is
JSON that a person can read, its schema is published in `schemas/`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from driftgauge.durations import parse_duration
from driftgauge.profiles.repeats import Among

NUMERIC_SPECIALS = ("missing", "invalid", "below", "above")
CATEGORICAL_SPECIALS = ("other", "missing", "invalid", "unseen")

SEASON_CELLS = 48
_DAY = 86_400_000
MAX_NAME = 256
MAX_FEATURES = 5000
MAX_SEGMENTS = 1000

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _is_a_length(text: str) -> str:
    if parse_duration(text) <= 0:
        raise ValueError("a window has some length")
    return text


def _is_a_season(offsets: list[float]) -> list[float]:
    if len(offsets) not in (0, SEASON_CELLS):
        raise ValueError(f"a season has {SEASON_CELLS} numbers, or none")
    return offsets


def _is_empty(value: object) -> bool:
    return not value


Season = Annotated[list[Annotated[float, Field(ge=-1, le=1)]], AfterValidator(_is_a_season)]
Length = Annotated[str, AfterValidator(_is_a_length)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ScaleNoise(_Model):
    """How far means over windows of `length` (e.g. "15m") lay from the rest of the reference.

    `windows` were measured. `variance` is the mean square of their distances (sampling noise included), `events` the
    harmonic mean of the events behind them, `dof` the degrees of freedom of that variance (fewer than windows where
    the series wanders slowly), `kurtosis` the excess kurtosis of the means without their most extreme pane.
    """

    length: Length
    windows: Count
    variance: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    events: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    dof: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    kurtosis: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class StepNoise(ScaleNoise):
    """How far means over windows of `length` lay from the mean over the time of length `before` just before them.

    `variance` is the mean square of these steps, `events` the harmonic mean of n1 n2 / (n1 + n2) of the events behind
    both means, the others as in `ScaleNoise`.
    """

    before: Length


# Left out where there is none, as of a series whose noise isn't measured by scale.
Steps = Annotated[list[StepNoise], Field(exclude_if=_is_empty)]


class SeriesNoise(_Model):
    """How a series moved from pane to pane in the reference, over its non-empty panes of `length` (the suggested pane).

    `variance` is the plain between-pane variance of the pane values (sampling noise included), `lag1` their lag-1
    autocorrelation, `mean_n` the harmonic mean of the events behind a value (sampling adds sd^2 / mean_n to the
    variance), `panes` how many panes were measured. `scales`: the same for means over longer windows, shortest first;
    for values only, not for rates; `steps`: of means against those just before. `season`: by how much the series lies
    above its mean at each hour of the day (UTC), on working days and then at weekends (48 numbers, or none where the
    reference shows no season); variance, lag1, scales and steps are those of what is left without it.
    """

    length: Length = "1m"
    panes: Count
    mean: Finite
    variance: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    lag1: Annotated[float, Field(ge=-1, le=1)]
    mean_n: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    scales: list[ScaleNoise] = []
    steps: Steps = []
    season: Season = []


class PsiNoise(_Model):
    """PSI of reference windows (as long as `length`, e.g. "1h") against all the other reference rows, not debiased."""

    length: Length
    windows: Count
    mean: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    variance: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RepeatNoise(_Model):
    """How often values repeated among `among` events drawn from one pane of `length` (e.g. "1m") of the reference.

    `panes` held at least one such group, all of them `drawn` events, of which the share `mean` repeated a value of its
    group. `anywhere`: the same share among events drawn from all of the reference: what is more than that comes from
    values that repeat together. `busier`: how many times as many rows those panes hold as all panes do in the mean,
    where quiet ones hold no group. `variance`, `lag1` and `mean_n` as in `SeriesNoise`, of the panes' shares.
    """

    length: Length
    among: Among
    panes: Annotated[int, Field(ge=2, lt=1 << 53)]
    drawn: Annotated[int, Field(ge=1, lt=1 << 53)]
    mean: Annotated[float, Field(ge=0, le=1)]
    anywhere: Annotated[float, Field(ge=0, le=1)]
    busier: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    variance: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    lag1: Annotated[float, Field(ge=-1, le=1)]
    mean_n: Annotated[float, Field(gt=0, allow_inf_nan=False)]


# Left out where there is none, so that profiles without it have the hash they always had.
Repeats = Annotated[list[RepeatNoise], Field(exclude_if=_is_empty)]


class NumericField(_Model):
    """Reference of a numeric column.

    Cells in order: `len(edges) + 1` bins, then missing, invalid, below, above. A value x lies in bin
    `searchsorted(edges, x, side="left")` (bin b holds edges[b-1] < x <= edges[b]); x < low is `below`, x > high is
    `above`. `counts` holds the reference events per cell (same order), `score_means` the mean reference score per
    cell (None where no row had a score). mean, sd, minimum, maximum are those of the finite values, in natural units.
    """

    type: Literal["numeric"] = "numeric"
    edges: list[Finite] = Field(max_length=999)
    low: Finite
    high: Finite
    minimum: Finite
    maximum: Finite
    mean: Finite
    sd: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    counts: list[Count]
    score_means: list[Finite | None] = []
    noise: dict[str, SeriesNoise] = {}
    psi: list[PsiNoise] = []
    repeats: Repeats = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(b <= a for a, b in pairwise(self.edges)):
            raise ValueError("edges must ascend strictly")
        if not self.low <= self.minimum <= self.maximum <= self.high:
            raise ValueError("low <= minimum <= maximum <= high does not hold")
        _check_cells(self, self.bins + len(NUMERIC_SPECIALS))
        return self

    @property
    def bins(self) -> int:
        """Number of value bins."""
        return len(self.edges) + 1

    @property
    def cell_names(self) -> list[str]:
        """A readable name per cell: the bin's range, then the special cells."""
        bounds = [self.minimum, *self.edges, self.maximum]
        ranges = [f"{a:.6g}" if a == b else f"{a:.6g}..{b:.6g}" for a, b in pairwise(bounds)]
        return [*ranges, *NUMERIC_SPECIALS]


class CategoricalField(_Model):
    """Reference of a categorical column.

    Cells in order: one per entry of `categories`, then other, missing, invalid, unseen. `other` takes the values in
    `known_other` (seen in the reference, not among the top ones); with `other_open` the reference had more of those
    than are listed, so every unlisted value is `other` and `unseen` stays empty. A value of another JSON type than
    `value_type` is `invalid`; 3.0 is the integer 3 (JSON has one kind of number).
    """

    type: Literal["categorical"] = "categorical"
    value_type: Literal["string", "integer", "boolean"]
    categories: list[str | int | bool] = Field(max_length=1000)
    known_other: list[str | int | bool] = Field(default=[], max_length=10_000)
    other_open: bool = False
    counts: list[Count]
    score_means: list[Finite | None] = []
    noise: dict[str, SeriesNoise] = {}
    psi: list[PsiNoise] = []
    repeats: Repeats = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kind = {"string": str, "integer": int, "boolean": bool}[self.value_type]
        values = [*self.categories, *self.known_other]
        if any(type(v) is not kind for v in values):
            raise ValueError(f"categories must all be of value_type {self.value_type}")
        if len(set(values)) != len(values):
            raise ValueError("a category is listed twice")
        _check_cells(self, self.bins + len(CATEGORICAL_SPECIALS))
        return self

    @property
    def bins(self) -> int:
        """Number of categories with a cell of their own."""
        return len(self.categories)

    @property
    def cell_names(self) -> list[str]:
        """The category per cell, then the special cells."""
        return [*(category_text(c) for c in self.categories), *CATEGORICAL_SPECIALS]


def psi_noise_of(field: NumericField | CategoricalField, length: str) -> PsiNoise | None:
    """What reference windows of this length showed; None if they were not measured."""
    return next((noise for noise in field.psi if noise.length == length), None)


def repeat_noise_of(field: NumericField | CategoricalField, pane_length: int) -> RepeatNoise | None:
    """What panes of `pane_length` ms are held against: the longest measured that are no longer, as repeats thin out."""
    fitting = [noise for noise in field.repeats if parse_duration(noise.length) <= pane_length]
    return max(fitting, key=lambda noise: parse_duration(noise.length), default=None)


ProfileField = Annotated[NumericField | CategoricalField, Field(discriminator="type")]


class PredictionProfile(_Model):
    """Reference of the model's output. `scalar` says what a bare `"prediction": x` is: the label or the score."""

    scalar: Literal["label", "score"]
    label: CategoricalField | None = None
    score: NumericField | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if getattr(self, self.scalar) is None:
            raise ValueError(f"scalar is {self.scalar!r} but the profile has no {self.scalar}")
        return self


class FieldReference(_Model):
    """What a segment's rows held of a field, over the same cells as all rows: see there."""

    counts: list[Count]
    score_means: list[Finite | None] = []
    noise: dict[str, SeriesNoise] = {}
    psi: list[PsiNoise] = []


class SegmentReference(_Model):
    """The reference rows whose tag has the text `value`."""

    value: Name
    rows: Annotated[Count, Field(gt=0)]
    features: dict[Name, FieldReference]
    score: FieldReference | None = None
    label: FieldReference | None = None

    @property
    def fields(self) -> dict[tuple[str, str], FieldReference]:
        """By role (`feature`, `score`, `label`) and name."""
        return _by_role(self.features, self)


class Segments(_Model):
    """References of their own for the values of a tag (the column's name, as in an event's `tags`), largest first."""

    tag: Name
    values: list[SegmentReference] = Field(min_length=1, max_length=MAX_SEGMENTS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({segment.value for segment in self.values}) != len(self.values):
            raise ValueError("a segment is listed twice")
        return self


class ReferenceSpan(_Model):
    """Where the reference came from: file names (no paths), rows, event times of its first and last row (ms).

    `timed`: whether the rows came with their times; else they were counted, and the times say nothing.
    """

    files: list[str]
    rows: Count
    first_ms: int
    last_ms: int
    # Left out where true, so that profiles from before there was a choice keep their name.
    timed: bool = Field(default=True, exclude_if=bool)

    @property
    def told_days(self) -> float:
        """Days of event time that the rows tell of."""
        return (self.last_ms - self.first_ms) / _DAY if self.timed else 0.0


class Profile(_Model):
    """The whole profile of one model version. `suggested_pane` is a duration text such as "60s" or "1d"."""

    schema_version: Literal["1.0"] = "1.0"
    model_id: Name
    model_version: Name
    reference: ReferenceSpan
    suggested_pane: str
    features: dict[Name, ProfileField] = Field(max_length=MAX_FEATURES)
    prediction: PredictionProfile | None = None
    offline_metrics: dict[str, Finite] = {}
    # Absent where there is none, so that a profile without segments is named as it always was.
    segments: Segments | None = Field(default=None, exclude_if=lambda value: value is None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        whole = _by_role(self.features, self.prediction)
        for segment in self.segments.values if self.segments is not None else ():
            if segment.fields.keys() != whole.keys():
                raise ValueError(f"segment {segment.value!r} has other fields than the profile")
            for key, field in segment.fields.items():
                try:
                    _check_cells(field, len(whole[key].counts))
                except ValueError as error:
                    raise ValueError(f"segment {segment.value!r}, {key[1]}: {error}") from None
        return self

    @property
    def content_hash(self) -> str:
        """`sha256:…` over the canonical JSON of the content; the profile's name everywhere."""
        canonical = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return "sha256:" + hashlib.sha256(canonical).hexdigest()


def features_with_repeats(profile: Profile, pane_length: int, limit: int) -> tuple[str, ...]:
    """The features whose repeats are watched in panes of `pane_length` ms, at most `limit`, in the profile's order.

    Those whose values repeated least, since there a stuck source shows soonest.
    """
    levels = {name: noise.mean for name, f in profile.features.items() if (noise := repeat_noise_of(f, pane_length))}
    # Sorting is stable: of equal ones those that the profile lists first.
    chosen = set(sorted(levels, key=levels.__getitem__)[:limit])
    return tuple(name for name in levels if name in chosen)


def category_text(value: str | bool | int) -> str:  # noqa: FBT001
    """A category as text: JSON's spelling for numbers and booleans, strings as they are."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _by_role(features: Mapping[str, Any], outputs: PredictionProfile | SegmentReference | None) -> dict[Any, Any]:
    found = {("feature", name): field for name, field in features.items()}
    if outputs is not None:
        found |= {(role, role): field for role in ("score", "label") if (field := getattr(outputs, role)) is not None}
    return found


def _check_cells(field: NumericField | CategoricalField | FieldReference, cells: int) -> None:
    if len(field.counts) != cells:
        raise ValueError(f"counts has {len(field.counts)} cells, expected {cells}")
    if field.score_means and len(field.score_means) != cells:
        raise ValueError(f"score_means has {len(field.score_means)} cells, expected {cells}")
    if math.fsum(field.counts) == 0:
        raise ValueError("the reference holds no row for this field")
