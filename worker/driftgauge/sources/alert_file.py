"""Alert events from a file of them, one a line, as `backtest` writes it and as they are on the topic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from driftgauge.alerts.event import AlertEvent
from driftgauge.errors import InputError


def read_alert_events(path: Path) -> Iterator[AlertEvent]:
    """The events in order. InputError, with the line and the field, at the first line that is none."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _event(line, f"{path}:{number}")
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None


def _event(line: bytes, place: str) -> AlertEvent:
    try:
        return AlertEvent.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{place}: is no alert event: {field + ': ' if field else ''}{first['msg']}; "
            "driftgauge backtest --alerts writes such files"
        ) from None
