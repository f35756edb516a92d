"""Where a partition begins: each case by its name, with what is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.config import RecoveryConfig
from driftgauge.runtime.beginning import QUIET, Beginning, Bounds, Case, Unstored, begin, go_on

LOG = Bounds(first=100, end=200, topic_id="a", committed=150)


@pytest.mark.parametrize(
    ("position", "topic_id", "bounds", "expected"),
    [
        (150, "a", LOG, Beginning(Case.GOES_ON, 150)),
        (160, "a", LOG, Beginning(Case.GOES_ON, 160)),
        (200, "a", LOG, Beginning(Case.GOES_ON, 200)),
        (140, "a", LOG._replace(committed=None), Beginning(Case.GOES_ON, 140)),
        (140, "a", LOG, Beginning(Case.ROLLED_BACK, 140, replayed=10)),
        (90, "a", LOG, Beginning(Case.RETENTION_GAP, 100, (90, 100))),
        (201, "a", LOG, Beginning(Case.TRUNCATED, 200)),
        (150, "b", LOG, Beginning(Case.RECREATED, 100)),
        (250, "b", LOG, Beginning(Case.RECREATED, 100)),
        # An id that isn't known, then or now, says nothing.
        (150, "", LOG, Beginning(Case.GOES_ON, 150)),
        (150, "b", LOG._replace(topic_id=""), Beginning(Case.GOES_ON, 150)),
    ],
)
def test_with_state(position, topic_id, bounds, expected):
    assert go_on(position, topic_id, bounds) == expected


NEW = Unstored(why=None, resume=None, start=100, added=False)


@pytest.mark.parametrize(
    ("known", "bounds", "expected"),
    [
        (NEW, LOG._replace(committed=None), Beginning(Case.FIRST_START, 100)),
        (NEW._replace(start=200), LOG._replace(committed=None), Beginning(Case.FIRST_START, 200)),
        (NEW._replace(start=200, added=True), LOG._replace(committed=None), Beginning(Case.ADDED, 100)),
        # The panes topic tells from where to count anew.
        (NEW._replace(resume=130), LOG, Beginning(Case.LOST, 130)),
        # The group hasn't read it, so it was another one: a panes topic that was used before.
        (NEW._replace(resume=130), LOG._replace(committed=None), Beginning(Case.INHERITED, 130)),
        (NEW._replace(resume=90), LOG, Beginning(Case.LOST, 100, (90, 100))),
        (NEW._replace(resume=300), LOG, Beginning(Case.LOST, 100)),
        # Nobody told: as at the first start, but not beyond what had been read.
        (NEW, LOG, Beginning(Case.LOST, 100)),
        (NEW._replace(start=200), LOG, Beginning(Case.LOST, 150)),
        (NEW, LOG._replace(committed=0), Beginning(Case.LOST, 100, (0, 100))),
        (NEW._replace(start=200), LOG._replace(committed=90), Beginning(Case.LOST, 100, (90, 100))),
        # Why it is gone, where that is known.
        (NEW._replace(why=Case.RESET), LOG._replace(committed=None), Beginning(Case.RESET, 100)),
        (NEW._replace(why=Case.DAMAGED, resume=130), LOG, Beginning(Case.DAMAGED, 130)),
        (NEW._replace(why=Case.CHANGED, resume=130, added=True), LOG, Beginning(Case.CHANGED, 130)),
    ],
)
def test_without_state(known, bounds, expected):
    assert begin(known, bounds) == expected


OFFSETS = st.integers(0, 30)


@given(OFFSETS, OFFSETS, st.none() | OFFSETS, st.none() | OFFSETS, OFFSETS, st.sampled_from(["a", "b", ""]))
def test_reading_begins_within_the_log_and_every_gap_is_told(first, length, committed, resume, position, topic_id):
    bounds = Bounds(first, first + length, "a", committed)
    for beginning, wanted in (
        (go_on(position, topic_id, bounds), position),
        (begin(Unstored(None, resume, max(first, min(position, bounds.end)), added=False), bounds), resume),
    ):
        assert bounds.first <= beginning.position <= bounds.end
        if wanted is not None and wanted < first and beginning.case is not Case.RECREATED:
            assert beginning.gap == (wanted, first)
        assert beginning.gap is None or beginning.gap[0] < beginning.gap[1] == beginning.position


def test_every_case_but_the_normal_ones_has_a_policy_or_none_that_could_forbid_it():
    without = {*QUIET, Case.RESET, Case.ROLLED_BACK}
    others = {*without, Case.INHERITED}
    assert {case.value for case in Case if case not in others} == set(RecoveryConfig.model_fields)
    forbidding = RecoveryConfig(**dict.fromkeys(RecoveryConfig.model_fields, "fail"))
    for case in Case:
        policy = Case.LOST if case is Case.INHERITED else case
        allowed = None if case in without else f"recovery.{policy}"
        assert Beginning(case, 0).refused_by(forbidding) == allowed
    assert Beginning(Case.CHANGED, 0).refused_by(RecoveryConfig()) == "recovery.changed"
    assert Beginning(Case.LOST, 0).refused_by(RecoveryConfig()) is None
