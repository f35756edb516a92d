"""How large a partial pane can become as a record, so that no topic has to refuse one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from driftgauge.panes.codec import encode_message
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.messages import PartialPane
from driftgauge.panes.sample import RowSample
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.repeats import ROWS
from driftgauge.records import Source
from driftgauge.subject import Subject

_LARGEST_COUNT = (1 << 53) - 1
_LARGEST = (1 << 63) - 1
_LONGEST_NAME = "\U0001f9ff" * 249


def largest_pane(layout: Layout, subject: Subject, alarms: Sequence[tuple[str, str]], alarms_per_pane: int) -> int:
    """Bytes of a pane in which every number is as long as can be.

    `alarms`: detector and series (its key) of each stream of single events, which give at most `alarms_per_pane` each.
    """
    features = tuple(slot.name for slot in layout.repeats)
    keys = np.full(ROWS, 1, np.uint32)
    pane = PartialPane(
        subject._replace(segment=_LONGEST_NAME),
        layout.profile_hash,
        -(1 << 61),
        1 << 53,
        Source(_LONGEST_NAME, 1 << 30),
        np.full(layout.size, _LARGEST_COUNT, np.int64),
        _LARGEST_COUNT,
        _LARGEST,
        _LARGEST,
        incomplete=False,
        alarms=tuple(
            EventAlarm(detector, series, -(1 << 61), _LARGEST, _LARGEST, -1.2345678901234567e-300, -1e300, "down")
            for detector, series in alarms
            for _ in range(alarms_per_pane)
        ),
        alarms_beyond_limit=_LARGEST_COUNT,
        sample=RowSample(features, keys, np.full((len(features), ROWS), 1, np.uint32)) if features else None,
    )
    return len(encode_message(pane, {layout.profile_hash: layout}))
