"""Whatever stands in a file of incidents, it is incidents or an error that says where, never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftgauge.errors import InputError
from driftgauge.sources.incident_file import read_incidents

TIMES = ("2026-03-10T12:00:00Z", "0001-01-01T00:00:00+23:59", "9" * 400, "1e999")
SIGNS = (":", "- ", ",", ";", "{", "}", "[", "]", '"', "'", "\n", "\r", "\t", "&a", "*a", "!!int")
ODD = ("null", "\\ud800", "\x00", "\ufeff")
WORDS = st.sampled_from(["start", "end", "kind", "incidents", *TIMES, *SIGNS, *ODD])
TEXTS = st.text(max_size=60) | st.lists(WORDS, max_size=25).map("".join)


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".jsonl", ".csv"])
@settings(max_examples=150)
@given(TEXTS)
@example("[" * 100_000)
@example('{"a":' * 2_000)
@example('[{"start": "2026-03-10T12:00:00Z", "size": ' + "9" * 5_000 + "}]")
def test_a_file_of_anything_is_read_or_refused(tmp_path_factory, suffix, text):
    file = Path(tmp_path_factory.getbasetemp()) / f"hostile{suffix}"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    try:
        found = read_incidents(file)
    except InputError as error:
        found = str(error).startswith(str(file))
    assert found
