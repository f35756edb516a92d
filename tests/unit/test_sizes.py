"""What has to fit into a topic's records: alerts that are trimmed, panes whose largest size is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from builders import SUBJECT, small_profile
from driftgauge.alerts.event import AlertEvent, Cell, DetectorNumbers, Offsets
from driftgauge.alerts.trimming import json_within
from driftgauge.panes.codec import encode_message
from driftgauge.panes.event_alarm import EventAlarm
from driftgauge.panes.messages import PartialPane
from driftgauge.panes.size import largest_pane
from driftgauge.profiles.layout import Layout
from driftgauge.records import Source

EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "valid" / "alert" / "missing_opened.json"
DESCRIPTION = "much to say about it " * 100


def large_event(partitions: int = 2_000) -> AlertEvent:
    event = AlertEvent.model_validate_json(EXAMPLE.read_bytes())
    spans = {str(i): [0, 9_007_199_254_740_991] for i in range(partitions)}
    names = [f"ml.predictions:{i}" for i in range(partitions)]
    detectors = [DetectorNumbers(name=n, statistic=1.0, threshold=2.0, partitions=names) for n in ("adwin", "psi")]
    detail = event.detail.model_copy(
        update={"detectors": detectors, "cells": [Cell(name="c" * 900, from_=0.0, to=1.0)] * 5}
    )
    return event.model_copy(
        update={
            "detail": detail,
            "source": event.source.model_copy(
                update={"offsets": spans, "more": [Offsets(topic="ml.features", offsets=spans)]}
            ),
            "annotations": event.annotations.model_copy(update={"description": DESCRIPTION}),
        }
    )


def test_an_event_that_fits_is_written_as_it_is():
    event = large_event()
    data = event.to_json()
    assert json_within(event, len(data)) == data
    assert "trimmed" not in orjson.loads(data)["detail"]


def test_what_only_illustrates_goes_first_and_what_identifies_never():
    event = large_event()
    whole = orjson.loads(event.to_json())
    trimmed = orjson.loads(json_within(event, 8192))
    assert trimmed["detail"]["trimmed"] == [
        "cells",
        "detectors.partitions",
        "source.more",
        "source.offsets",
    ]
    for kept in ("event_id", "event", "status", "fingerprint", "labels", "startsAt", "endsAt", "updatedAt", "run"):
        assert trimmed[kept] == whole[kept]
    for kept in ("direction", "from", "to", "effect", "change_point", "n_before", "n_after", "profile"):
        assert trimmed["detail"][kept] == whole["detail"][kept]
    assert trimmed["annotations"]["description"] == DESCRIPTION
    AlertEvent.model_validate_json(json_within(event, 8192))


def test_only_as_much_goes_as_must():
    event = large_event(partitions=1)
    size = len(event.to_json())
    trimmed = orjson.loads(json_within(event, size - 100))
    assert trimmed["detail"]["trimmed"] == ["cells"]
    assert trimmed["detail"]["cells"] == []
    assert len(trimmed["source"]["offsets"]) == 1


@given(st.integers(0, 400), st.integers(1_000, 40_000))
def test_trimmed_events_are_valid_the_same_again_and_within_the_limit(partitions, limit):
    event = large_event(partitions)
    data = json_within(event, limit)
    assert data == json_within(event, limit)
    assert len(data) <= max(limit, 2_500)
    AlertEvent.model_validate_json(data)


@given(
    st.lists(st.integers(0, (1 << 53) - 1), min_size=22, max_size=22),
    st.integers(0, 3),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_no_pane_is_larger_than_the_largest(counts, alarms, statistic):
    layout = Layout.of(small_profile())
    streams = [("adwin", "income|location|"), ("page_hinkley", "job|share|a")]
    found = [
        EventAlarm(detector, series, -5, 1 << 40, 7, statistic, statistic, "down")
        for detector, series in streams
        for _ in range(alarms)
    ]
    cells = np.resize(np.array(counts, np.int64), layout.size)
    pane = PartialPane(
        SUBJECT,
        layout.profile_hash,
        0,
        60_000,
        Source("t" * 249, 3),
        cells,
        sum(counts) % (1 << 53),
        0,
        9,
        alarms=tuple(found),
    )
    size = len(encode_message(pane, {layout.profile_hash: layout}))
    assert size <= largest_pane(layout, SUBJECT, streams, 3)
