"""The identity of an alert event: the same input and the same settings give the same id, live or replayed.

No float and no estimated change point is part of it, so that a last digit that differs can't make a second event.
"""

from __future__ import annotations

import uuid

import orjson

from driftgauge.alerts.transition import Transition
from driftgauge.subject import Subject

# UUIDv5(NAMESPACE_URL, "urn:driftgauge:alert-event"); written out because every id ever published hangs on it.
NAMESPACE = uuid.UUID("b227e342-3adf-5f4b-9e17-a28e1f3644c8")


def event_id(subject: Subject, transition: Transition) -> str:
    """UUIDv5 over subject, series, opening pane, transition, ordinal and analysis hash (rules §3.2), as a JSON array.

    The array keeps the parts apart whatever characters they hold. The `resolved` of an escalation and the one that
    ends an episode differ in their ordinal.
    """
    parts = [
        *subject,
        transition.series.key,
        transition.opened_pane_end,
        transition.event,
        transition.ordinal,
        transition.analysis,
    ]
    return str(uuid.uuid5(NAMESPACE, orjson.dumps(parts).decode()))
