"""A labelled incident: when something was wrong, and of what. What it doesn't name, it leaves open."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from driftgauge.alerts.severity import AlertName
from driftgauge.scoring.alert import Alert
from driftgauge.subject import version_text
from driftgauge.timestamps import parse_timestamp

_DATE = re.compile(r"\d+-\d+-\d+", re.ASCII)


def _time(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("expected a time such as 2026-03-15T10:03:00Z")  # noqa: TRY004 (pydantic turns only ValueError into an error)
    if _DATE.fullmatch(value.strip()):
        raise ValueError(f"{value} may be the first or the last moment of that day: write {value.strip()}T00:00:00Z")
    return parse_timestamp(value)


def _text(value: Any) -> Any:
    """A number as text: sizes are numbers as often as not, and a version 7 is the version "7"."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_TimeText = Annotated[str, Field(description="RFC 3339, with the time of day.", examples=["2026-03-15T10:03:00Z"])]
Time = Annotated[int, BeforeValidator(_time, json_schema_input_type=_TimeText)]
Word = Annotated[str, Field(min_length=1, max_length=256)]
Size = Annotated[Word, BeforeValidator(_text, json_schema_input_type=str | float)]
Version = Annotated[Word, BeforeValidator(version_text, json_schema_input_type=str | int)]


class Incident(BaseModel):
    """One incident, from `start` to `end`, absent if it goes on to the end of what is scored. As values both are ms.

    `kind` and `size` are the user's words, by which recall is told apart; `name` is for reading. The others are labels
    of alerts; an absent one fits all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    start: Time
    end: Time | None = None
    name: Word | None = None
    kind: Word | None = None
    size: Size | None = None
    model_id: Word | None = None
    model_version: Version | None = None
    segment: Word | None = None
    feature: Word | None = None
    alertname: AlertName | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("the end is before the start")
        return self

    @property
    def text(self) -> str:
        """Its name, else what it is: `null 0.3 job`."""
        parts = (self.kind, self.size, self.feature, self.segment, self.alertname)
        return self.name or " ".join(part for part in parts if part) or "incident"

    @property
    def order(self) -> tuple[int, bool, int, tuple[str, ...]]:
        """By start, open-ended ones last; equal only if they are the same."""
        words = (self.name, self.kind, self.size, self.model_id, self.model_version, *self._labels)
        return self.start, self.end is None, self.end or 0, tuple(word or "" for word in words)

    @property
    def narrowness(self) -> int:
        """How many labels it names."""
        return sum(label is not None for label in (self.model_id, self.model_version, *self._labels))

    @property
    def _labels(self) -> tuple[str | None, ...]:
        return self.segment, self.feature, self.alertname

    def concerns(self, model_id: str) -> bool:
        """Whether alerts of a model may come of it, on whatever they are."""
        return self.model_id in (None, model_id)

    def names(self, alert: Alert) -> bool:
        """Whether an alert is on what the incident is about: all labels that it names are the alert's."""
        return self.concerns(alert.model_id) and all(
            label in (None, of_alert)
            for label, of_alert in zip(
                (self.model_version, *self._labels),
                (alert.model_version, alert.segment, alert.feature, alert.alertname),
                strict=True,
            )
        )
