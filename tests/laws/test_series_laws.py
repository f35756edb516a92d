"""Laws of series: shares of all categories add up, names are unique, and a block may be split anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import CategoricalField, NumericField, PredictionProfile, Profile, ReferenceSpan
from driftgauge.profiles.series_plan import SHARES

_texts = st.text("ab|\\()", max_size=4) | st.sampled_from(["other", "(other)", "missing", "share", "", "|share|"])


@st.composite
def categoricals(draw, most=8):
    names = draw(st.lists(_texts, min_size=1, max_size=most, unique=True))
    counts = draw(st.lists(st.integers(1, 1000), min_size=len(names), max_size=len(names)))
    rest = draw(st.tuples(*[st.integers(0, 50)] * 3))
    return CategoricalField(value_type="string", categories=names, counts=[*counts, *rest, 0])


_number = st.just(
    NumericField(edges=[1.0], low=0, high=2, minimum=0, maximum=2, mean=1, sd=1, counts=[3, 5, 1, 0, 0, 0])
)


def made(features, label):
    profile = Profile(
        model_id="m",
        model_version="1",
        reference=ReferenceSpan(files=["r.csv"], rows=1, first_ms=0, last_ms=2 * 86_400_000),
        suggested_pane="1m",
        features=features,
        prediction=PredictionProfile(scalar="label", label=label) if label else None,
    )
    return contrasts_of(Layout.of(profile), 60_000)


def panes(layout, seed, count=7):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 9, (count, layout.size)) * rng.integers(0, 2, (count, layout.size))


_features = st.dictionaries(_texts.filter(len), categoricals() | _number, min_size=1, max_size=4)


@given(_features, st.none() | categoricals())
def test_names_are_unique_within_a_subject(features, label):
    series = made(features, label).series
    assert len({entry.key for entry in series}) == len(series)
    identities = {(entry.feature, entry.name, entry.category) for entry in series}
    assert len(identities) == len(series)


@given(categoricals(most=SHARES), st.integers(0, 1000))
def test_all_shares_of_a_field_and_the_unseen_ones_add_up(field, seed):
    contrasts = made({"x": field}, None)
    shares = [entry.index for entry in contrasts.series if entry.name == "share"]
    unseen = next(entry.index for entry in contrasts.series if entry.name == "unseen")
    evaluated = contrasts.evaluate(panes(contrasts.layout, seed))
    total = evaluated.hits[:, shares].sum(axis=1) + evaluated.hits[:, unseen]
    n = evaluated.n[:, unseen]
    # Of two categories only one is shown, and what the reference has none of may still come in.
    if field.bins > 2 and field.counts[field.bins]:
        assert total.tolist() == n.tolist()
        levels = [contrasts.series[i].reference for i in shares]
        assert sum(levels) == pytest.approx(1)
    else:
        assert (total <= n).all()
    assert (np.isnan(evaluated.values[:, unseen]) == (n == 0)).all()


@given(_features, st.none() | categoricals(), st.integers(0, 1000), st.integers(1, 6))
def test_where_a_block_of_panes_is_split_does_not_matter(features, label, seed, at):
    contrasts = made(features, label)
    counts = panes(contrasts.layout, seed)
    whole, first, second = (contrasts.evaluate(part) for part in (counts, counts[:at], counts[at:]))
    for one, left, right in zip(whole, first, second, strict=True):
        assert np.array_equal(one, np.concatenate([left, right]), equal_nan=True)


@given(_features, st.none() | categoricals())
def test_the_reference_itself_lies_at_its_reference_levels(features, label):
    contrasts = made(features, label)
    evaluated = contrasts.evaluate(contrasts.layout.reference[None, :])
    for entry in contrasts.series:
        if entry.kind != "window" and entry.reference_n:
            assert evaluated.n[0, entry.index] == entry.reference_n
            assert evaluated.values[0, entry.index] == pytest.approx(entry.reference, abs=1e-7)
