"""Every spelling of an instant gives the same milliseconds; what is no time is refused in clear words."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.timestamps import FIRST_MS, LAST_MS, format_timestamp, parse_timestamp

MOMENT = 1_773_568_980_123  # 2026-03-15T10:03:00.123Z


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-03-15T10:03:00.123Z",
        "2026-03-15 10:03:00.123",
        "2026-03-15t10:03:00,123z",
        "2026-03-15T12:03:00.123+02:00",
        "2026-03-15T05:33:00.123-0430",
        "2026-03-15 10:03:00.123 UTC",
        "2026-03-15T10:03:00.123999Z",
        1_773_568_980.123,
        1_773_568_980_123,
        1_773_568_980_123_456,
        1_773_568_980_123_456_789,
        "1773568980123",
        "1773568980.123",
        datetime(2026, 3, 15, 10, 3, 0, 123_999, tzinfo=UTC),
        datetime(2026, 3, 15, 12, 3, 0, 123_000, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_all_spellings_of_an_instant_give_the_same_milliseconds(spelling):
    assert parse_timestamp(spelling) == MOMENT


def test_dates_are_midnight_and_a_missing_zone_is_utc():
    midnight = parse_timestamp("2026-03-15T00:00:00Z")
    assert parse_timestamp("2026-03-15") == parse_timestamp(date(2026, 3, 15)) == midnight
    assert parse_timestamp("2026-03-15T00:00") == midnight


def test_the_unit_of_a_number_changes_at_the_documented_sizes():
    assert parse_timestamp(99_999_999_999) == 99_999_999_999_000
    assert parse_timestamp(100_000_000_000) == 100_000_000_000
    assert parse_timestamp(10**14) == 10**11
    assert parse_timestamp(10**17) == 10**11
    assert parse_timestamp(-1) == -1000


def test_a_leap_second_is_the_next_minute():
    assert format_timestamp(parse_timestamp("2016-12-31T23:59:60Z")) == "2017-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "value",
    ["", "x", "2026-13-01", "2026-02-30", "2026-03-15T25:00:00Z", "10:03", True, None, [], float("nan"), float("inf"),
     "2026-03-15T10:03:61Z", "0001-01-01T00:00:00+10:00", 10**40, "2026-03-15T10:03:00+99:00"],
)  # fmt: skip
def test_what_is_no_time_is_a_value_error(value):
    with pytest.raises(ValueError, match=r"no time|outside the years"):
        parse_timestamp(value)


@given(st.integers(FIRST_MS, LAST_MS))
def test_formatting_and_parsing_are_inverse(ms):
    text = format_timestamp(ms)
    assert text.endswith("Z")
    assert ("." in text) == (ms % 1000 != 0)
    assert parse_timestamp(text) == ms


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_seconds_with_milliseconds_are_these_milliseconds_as_text_and_as_a_float(ms):
    text = f"{'-' if ms < 0 else ''}{abs(ms) // 1000}.{abs(ms) % 1000:03d}"
    assert ms < FIRST_MS or ms > LAST_MS or parse_timestamp(text) == parse_timestamp(float(text)) == ms


def test_finer_fractions_of_seconds_are_cut():
    assert parse_timestamp(1777880046.9069) == 1777880046906
    assert parse_timestamp("1777880046.999999") == 1777880046999


@given(st.text() | st.floats() | st.integers())
def test_nothing_but_value_errors_comes_out(value):
    with suppress(ValueError):
        assert FIRST_MS <= parse_timestamp(value) <= LAST_MS
