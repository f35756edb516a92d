"""The time of a line that is a canonical event, for pacing and sorting; decode alone judges events."""

from __future__ import annotations

import orjson

from driftgauge.timestamps import parse_timestamp

# The spellings that decode accepts, in its order.
_NAMES = ("timestamp", "event_time", "ts", "time", "prediction_ts", "when")


def event_time(line: bytes) -> int | None:
    """Milliseconds since the epoch, or None where the line has no readable time."""
    try:
        event = orjson.loads(line)
        return parse_timestamp(next(event[name] for name in _NAMES if name in event))
    except (ValueError, TypeError, StopIteration):
        return None
