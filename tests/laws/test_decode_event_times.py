"""Reading event times in bulk gives what reading them one by one gives."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from decoding import batch, loan
from driftgauge.decode.decoder import Decoder
from driftgauge.decode.event_times import event_times
from driftgauge.timestamps import parse_timestamp

ZONES = st.sampled_from(["", "Z", "z", "+00:00", "-00:00", "+02:00", " Z", "UTC", "+0000"])
# Every field may be out of its range, so that the bulk reader has something to leave to the careful one.
TIMES = st.builds(
    "{:04d}-{:02d}-{:02d}{}{:02d}:{:02d}:{:02d}{}{}".format,
    st.sampled_from([0, 1, 1969, 1970, 2026, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("TTTt "),
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 61),
    st.sampled_from(["", ".", ".5", ".123", ".999999", ".123456789", ",5", ".1a"]),
    ZONES,
)
PLAIN_TIMES = st.datetimes().map(lambda t: t.isoformat(timespec="milliseconds") + "Z")
VALUES = st.lists(TIMES | PLAIN_TIMES | st.none() | st.integers() | st.text(max_size=30), max_size=10)


@example(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
@given(VALUES | st.lists(PLAIN_TIMES, max_size=10))
def test_times_read_in_bulk_are_those_read_one_by_one(values):
    times, wrong = event_times(values, [7] * len(values))
    assert times.tolist() == [7 if value is None else _one(value)[0] for value in values]
    assert {i: text[:100] for i, text in wrong.items()} == {
        i: f"timestamp: {found[1]}"[:100]
        for i, found in enumerate(map(_one, values))
        if found[1] and values[i] is not None
    }


def _one(value):
    try:
        return parse_timestamp(value), ""
    except ValueError as error:
        return 0, str(error)


def test_a_plain_event_takes_the_typed_path():
    value = {"timestamp": "2026-03-15T10:03:00Z", "model_id": "loan", "model_version": "7", "features": {"job": "cook"}}
    decoder = Decoder([loan()])
    found = []
    decoder._read_leniently = lambda *_: found.append("leniently")
    assert decoder.decode(batch(json.dumps(value).encode())).accepted.all()
    assert not found
