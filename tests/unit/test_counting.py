"""Counting: the quick ways give what looking every value up by itself gives."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders import SUBJECT, small_profile
from driftgauge.decode.columns import EventColumns
from driftgauge.ingest.counting import count_panes
from driftgauge.profiles.cells import bin_values
from driftgauge.profiles.layout import Layout

LAYOUT = Layout.of(small_profile())
INCOME, JOB, LABEL = LAYOUT.slots
odd = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, 4.0, math.nextafter(4, 5), -1e-300, math.nan, math.inf, -math.inf])
rows = st.lists(
    st.tuples(odd | st.floats(), st.integers(0, 5), st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()),
    max_size=60,
)


@given(rows, st.integers(1, 7), st.data())
def test_counts_are_those_of_every_value_looked_up_by_itself(values, panes, data):
    n = len(values)
    pane = np.array([data.draw(st.integers(0, panes - 1)) for _ in range(n)], np.int64)
    income, job, label, chosen, features, prediction = (list(c) for c in zip(*values, strict=True)) if n else [[]] * 6
    columns = [np.array(income, np.float64), np.array(job, np.int64), np.array(label, np.int64)]
    has_features, has_prediction = np.array(features, bool), np.array(prediction, bool)
    events = EventColumns(SUBJECT, np.arange(n), columns, has_features, has_prediction)
    counts = count_panes(LAYOUT, events, np.array(chosen, bool), pane, panes)

    expected = np.zeros((panes, LAYOUT.size), np.int64)
    cells = bin_values(np.array(INCOME.spec.edges), INCOME.spec.low, INCOME.spec.high, columns[0])
    for i in range(n):
        if chosen[i] and features[i]:
            expected[pane[i], INCOME.start + cells[i]] += 1
            expected[pane[i], JOB.start + job[i]] += 1
        if chosen[i] and prediction[i]:
            expected[pane[i], LABEL.start + label[i]] += 1
    assert counts.tolist() == expected.tolist()


def test_an_output_that_is_not_judged_is_not_counted():
    yes = np.ones(2, bool)
    columns = [np.array([0.5, 0.5]), np.array([0, 1]), np.empty(0, np.int64)]
    counts = count_panes(LAYOUT, EventColumns(SUBJECT, np.arange(2), columns, yes, yes), yes, np.zeros(2, np.int64), 1)
    assert counts[0, LABEL.start :].sum() == 0
    assert counts.sum() == 4
