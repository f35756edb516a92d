"""Which cell a value falls into: every float has one, and JSON types never leak into each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.profiles.cells import bin_values, category_index
from driftgauge.profiles.profile import CategoricalField, NumericField

AGES = NumericField(
    edges=[30.0, 50.0], low=10.0, high=90.0, minimum=18.0, maximum=82.0, mean=40.0, sd=9.0, counts=[1, 1, 1, 0, 0, 0, 0]
)
NAMES = AGES.cell_names


@pytest.mark.parametrize(
    ("value", "cell"),
    [(18.0, 0), (30.0, 0), (30.1, 1), (50.0, 1), (82.0, 2), (90.0, 2), (10.0, 0),
     (9.99, NAMES.index("below")), (90.01, NAMES.index("above")), (math.nan, NAMES.index("missing")),
     (math.inf, NAMES.index("invalid")), (-math.inf, NAMES.index("invalid"))],
)  # fmt: skip
def test_a_number_lies_in_the_bin_whose_upper_edge_it_does_not_pass(value, cell):
    assert bin_values(np.array(AGES.edges), AGES.low, AGES.high, np.array([value])).tolist() == [cell]


@given(st.lists(st.floats()))
def test_every_float_has_a_cell_of_the_field(values):
    cells = bin_values(np.array(AGES.edges), AGES.low, AGES.high, np.array(values, np.float64))
    assert len(cells) == len(values)
    assert all(0 <= cell < len(AGES.counts) for cell in cells.tolist())


def field(kind, categories, other=(), *, open_=False):
    return CategoricalField(
        value_type=kind,
        categories=list(categories),
        known_other=list(other),
        other_open=open_,
        counts=[1] * (len(categories) + 4),
    )


@pytest.mark.parametrize(
    ("kind", "categories", "value", "cell"),
    [
        ("integer", [1, 2], 1, "1"),
        ("integer", [1, 2], 1.0, "1"),
        ("integer", [1, 2], True, "invalid"),
        ("integer", [1, 2], "1", "invalid"),
        ("integer", [1, 2], 1.5, "invalid"),
        ("integer", [1, 2], math.inf, "invalid"),
        ("integer", [1, 2], 3, "unseen"),
        ("integer", [1, 2], math.nan, "missing"),
        ("integer", [1, 2], None, "missing"),
        ("boolean", [True, False], True, "true"),
        ("boolean", [True, False], 1, "invalid"),
        ("boolean", [True, False], 0.0, "invalid"),
        ("string", ["1", "a"], "1", "1"),
        ("string", ["1", "a"], 1, "invalid"),
        ("string", ["1", "a"], "b", "unseen"),
        ("string", ["1", "a"], ["a"], "invalid"),
    ],
)
def test_types_never_leak_into_each_other(kind, categories, value, cell):
    spec = field(kind, categories)
    assert spec.cell_names[category_index(spec).cell_of(value)] == cell


def test_an_unlisted_value_is_other_where_the_reference_had_more_than_are_listed():
    closed, opened = field("string", ["a"], ["b"]), field("string", ["a"], ["b"], open_=True)
    assert closed.cell_names[category_index(closed).cell_of("b")] == "other"
    assert closed.cell_names[category_index(closed).cell_of("c")] == "unseen"
    assert opened.cell_names[category_index(opened).cell_of("c")] == "other"
