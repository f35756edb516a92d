"""The alert event as it is published, on the topic and in `alerts.jsonl` alike: one JSON object per transition.

The last step of a record's way. A pure function of a transition and of what names the subject, so the same input gives
the same bytes. Field names at the top are those of Alertmanager's postable alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from driftgauge.alerts.natural import Statistic, Unit
from driftgauge.alerts.severity import AlertName
from driftgauge.alerts.transition import EventKind, Reason, Severity
from driftgauge.detect.types import Direction
from driftgauge.subject import Subject

# Prometheus' own rule: an alert expires by itself when four repeats of it have not come.
REPEATS_UNTIL_EXPIRY = 4

Time = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$", json_schema_extra={"format": "date-time"})
]
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
TrafficUnit = Literal["events/min", "events/h", "events/d"]
TrimmedPart = Literal[
    "cells",
    "distances",
    "segments",
    "detectors.partitions",
    "source.more",
    "source.offsets",
    "annotations.description",
    "natural",
    "detectors",
]
Hash = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: object) -> bool:
    return not value


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)


class Labels(_Wire):
    """Stable identity of a problem.

    `feature`, `segment`, `category` (of a feature's share) and `class` (of a predicted share) only where they apply.

    `model_version` is empty only in a `BaselineMissing` about events that name none.
    """

    alertname: AlertName
    severity: Severity
    model_id: Annotated[str, Field(min_length=1)]
    model_version: str
    feature: str = Field(default="", exclude_if=_is_empty)
    segment: str = Field(default="", exclude_if=_is_empty)
    class_: str = Field(default="", validation_alias="class", serialization_alias="class", exclude_if=_is_empty)
    category: str = Field(default="", exclude_if=_is_empty)
    series: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

    @property
    def on(self) -> str:
        """`employment_type missing`, `channel share web`, `predicted_share rejected`."""
        return " ".join(part for part in (self.feature, self.series, self.category, self.class_) if part)


class Annotations(_Wire):
    """Texts for people; no part of the identity."""

    summary: str
    description: str


class DetectorNumbers(_Wire):
    """A detector that agreed, with the numbers of its first alarm. null: not a finite number.

    `window`: how long the window is that differs (`15m`), of detectors that compare windows. `partitions`: of detectors
    on single events, those whose events alarmed (`topic:partition`).
    """

    name: str
    statistic: Number | None
    threshold: Number | None
    p_value: Share | None = Field(default=None, exclude_if=_is_none)
    window: Annotated[str, Field(pattern=r"^\d+(ms|s|m|h|d)$")] | None = Field(default=None, exclude_if=_is_none)
    partitions: list[str] = Field(default=[], exclude_if=_is_empty)


class ChangePoint(_Wire):
    """Estimated onset, and the span that it may lie in."""

    at: Time
    earliest: Time
    latest: Time


class Natural(_Wire):
    """The change in the data's own units: of `statistic`, in `unit`, by `effect`.

    value: the feature's own unit, of which `sd` is the reference's standard deviation; percent: of the events; values:
    distinct ones in `among` events. `to_beyond`: what is now lies below or above the reference's range; a median is
    then beyond the limit given in `to`, a width at least as large.
    """

    statistic: Statistic
    unit: Unit
    from_: Number = Field(validation_alias="from", serialization_alias="from")
    to: Number
    effect: Number
    sd: Number | None = Field(default=None, exclude_if=_is_none)
    among: Count | None = Field(default=None, exclude_if=_is_none)
    to_beyond: Literal["below", "above"] | None = Field(default=None, exclude_if=_is_none)


class Cell(_Wire):
    """A bin, category or special cell, and its share before and after."""

    name: str
    from_: Share = Field(validation_alias="from", serialization_alias="from")
    to: Share


class SegmentChange(_Wire):
    """A segment that has moved too, and its own levels of the series before and after."""

    segment: Annotated[str, Field(min_length=1)]
    from_: Number = Field(validation_alias="from", serialization_alias="from")
    to: Number


class Distances(_Wire):
    """How far the values of the `n` valid events since the onset, or in the window, lie from the reference's.

    Of the cells that PSI compares, and none of them corrected for what sampling alone gives. `js` is to base 2, `tv`
    total variation, `w1` in quantiles of the reference (0 .. 1/2), `chi2` of the two samples. `ks` and `w1` of numeric
    fields only.
    """

    n: Count
    psi: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    js: Share
    ks: Share | None = Field(default=None, exclude_if=_is_none)
    w1: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_none)
    hellinger: Share
    tv: Share
    l_inf: Share
    chi2: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    chi2_p_value: Share


class Detail(_Wire):
    """The evidence. `from`, `to`, `effect` in the series' own unit (share in [0, 1], PSI); `effect_sd` in reference sd.

    Of traffic they are events in the `unit` of time.

    null where a level is unknown because no event was behind it. `profile` is null in a `BaselineMissing` only.
    `reason` says why an alert is resolved whose problem is not over. `baseline`: up to when production had told of the
    noise, season or distribution that this was held against, where that is not the profile's. `segments`: of a model's
    whole, those that have surely moved to the same side since the onset, the furthest first. `trimmed`: parts that were
    left out because the event was larger than the topic takes.
    """

    detectors: list[DetectorNumbers]
    direction: Direction
    from_: Number | None = Field(validation_alias="from", serialization_alias="from")
    to: Number | None
    effect: Number | None
    unit: TrafficUnit | None = Field(default=None, exclude_if=_is_none)
    effect_sd: Number | None = Field(default=None, exclude_if=_is_none)
    change_point: ChangePoint
    n_before: Count
    n_after: Count
    profile: Hash | None
    cells: list[Cell]
    natural: Natural | None = Field(default=None, exclude_if=_is_none)
    distances: Distances | None = Field(default=None, exclude_if=_is_none)
    superseded_by: Severity | None = Field(default=None, exclude_if=_is_none)
    reason: Reason | None = Field(default=None, exclude_if=_is_none)
    baseline: Time | None = Field(default=None, exclude_if=_is_none)
    segments: list[SegmentChange] = Field(default=[], exclude_if=_is_empty)
    trimmed: list[TrimmedPart] = Field(default=[], exclude_if=_is_empty)


class Offsets(_Wire):
    """The records of a topic in the pane that decided: first and last offset per partition."""

    topic: str
    offsets: dict[Annotated[str, Field(pattern=r"^\d+$")], Annotated[list[Count], Field(min_length=2, max_length=2)]]


class SourceRecords(Offsets):
    """As above; where a pane was counted from several topics, the others (by name) are under `more`."""

    more: list[Offsets] = Field(default=[], exclude_if=_is_empty)


class Run(_Wire):
    """What kind of run published the event. `run_id` is derived, not random (rules §4.7).

    `injected`: the faults that were put into its input, as given; only where there were some, so that nobody takes it
    for the real thing.
    """

    mode: Literal["live", "backtest"]
    run_id: str
    injected: list[str] = Field(default=[], exclude_if=_is_empty)


class AlertEvent(_Wire):
    """One alert event, contract.md §4. Every record carries the full state of its alert."""

    schema_version: Literal["1.0"] = "1.0"
    event_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    event: EventKind
    status: Literal["firing", "resolved"]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    labels: Labels
    annotations: Annotations
    startsAt: Time  # noqa: N815 (Alertmanager's names)
    endsAt: Time  # noqa: N815
    updatedAt: Time  # noqa: N815
    generatorURL: str = ""  # noqa: N815
    detail: Detail
    source: SourceRecords
    run: Run

    def to_json(self) -> bytes:
        """UTF-8 JSON on one line, keys in the contract's order."""
        return orjson.dumps(self.model_dump(by_alias=True))


@dataclass(frozen=True, slots=True)
class Publishing:
    """What all events of a subject share. `profile`: content hash; `repeat_interval`: ms between repeats.

    `tag`: name of the tag whose text is the subject's segment.
    """

    subject: Subject
    profile: str
    run: Run
    repeat_interval: int = 86_400_000
    generator_url: str = ""
    tag: str = ""

    @property
    def segment(self) -> str:
        """`country de`; empty for the whole."""
        return f"{self.tag} {self.subject.segment}" if self.subject.segment else ""

    @property
    def model(self) -> str:
        """`loans/1`, with its segment where it has one."""
        whole = self.subject._replace(segment="")
        return f"{whole}, {self.segment}" if self.segment else str(whole)


def source_records(offsets: Mapping[str, tuple[int, int]]) -> SourceRecords:
    """Offsets by `topic:partition`, grouped by topic."""
    topics: dict[str, dict[str, list[int]]] = {}
    for name, span in sorted(offsets.items()):
        topic, _, partition = name.rpartition(":")
        topics.setdefault(topic, {})[partition] = list(span)
    (topic, own), *others = sorted(topics.items()) or [("", {})]
    return SourceRecords(topic=topic, offsets=own, more=[Offsets(topic=name, offsets=spans) for name, spans in others])
