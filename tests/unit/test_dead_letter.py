from hypothesis import example, given
from hypothesis import strategies as st

from driftgauge.dead_letter import MESSAGE_CHARACTERS, DeadLetterHeaders, headers_of
from driftgauge.decode.columns import RejectCode
from driftgauge.records import Source

_WHERE = {"source": Source("ml.predictions", 3), "offset": 4711, "timestamp": 1_773_569_040_000}


def test_headers_say_why_and_from_where():
    headers = headers_of(code=RejectCode.EMPTY, message="a tombstone", **_WHERE)
    assert headers == [
        ("driftgauge.reason", b"empty"),
        ("driftgauge.message", b"a tombstone"),
        ("driftgauge.topic", b"ml.predictions"),
        ("driftgauge.partition", b"3"),
        ("driftgauge.offset", b"4711"),
        ("driftgauge.timestamp", b"1773569040000"),
    ]


def test_only_a_cut_value_has_its_original_size():
    headers = headers_of(code=RejectCode.TOO_LARGE, message="", original_size=1_200_000, **_WHERE)
    assert headers[-1] == ("driftgauge.original_size", b"1200000")


@given(
    st.sampled_from(list(RejectCode)),
    st.text(st.characters(exclude_categories=()), max_size=600),
    st.integers(-(1 << 63), (1 << 63) - 1),
)
@example(RejectCode.MALFORMED_JSON, "half a pair \ud800", 0)
def test_headers_of_any_reject_read_back_as_the_model(code, message, timestamp):
    headers = headers_of(code=code, message=message, source=_WHERE["source"], offset=0, timestamp=timestamp)
    texts = {name: value.decode() for name, value in headers}
    read = DeadLetterHeaders.model_validate(texts, strict=False)
    assert (read.reason, read.timestamp) == (code, str(timestamp))
    assert len(read.message) <= MESSAGE_CHARACTERS
