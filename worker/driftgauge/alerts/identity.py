"""The identity of an alert event: the same input and the same settings give the same id, live or replayed.

No float and no estimated change point is part of it, so that a last digit that differs can't make a second event.
"""

from __future__ import annotations

import uuid

import orjson

from driftgauge.alerts.transition import EventKind, Transition
from driftgauge.subject import Subject

# UUIDv5(NAMESPACE_URL, "urn:driftgauge:alert-event"); written out because every id ever published hangs on it.
NAMESPACE = uuid.UUID("b227e342-3adf-5f4b-9e17-a28e1f3644c8")


def event_id(subject: Subject, transition: Transition) -> str:
    """UUIDv5 over subject, series, opening pane, transition, ordinal and analysis hash (rules §3.2), as a JSON array.

    The array keeps the parts apart whatever characters they hold. The `resolved` of an escalation and the one that
    ends an episode differ in their ordinal.
    """
    of = transition
    return event_id_of(subject, of.series.key, of.opened_pane_end, of.event, of.ordinal, of.analysis)


def event_id_of(
    subject: Subject, series_key: str, opened_pane_end: int, event: EventKind, ordinal: int, analysis: str
) -> str:
    """The same from its parts."""
    parts = [*subject, series_key, opened_pane_end, event, ordinal, analysis]
    return str(uuid.uuid5(NAMESPACE, orjson.dumps(parts).decode()))
