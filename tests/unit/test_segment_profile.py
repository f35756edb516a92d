"""A profile holds a reference for each large segment: over the whole's cells, by its own rows."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from pydantic import ValidationError

from driftgauge.errors import InputError
from driftgauge.profiles.contrasts import contrasts_of
from driftgauge.profiles.layout import Layout
from driftgauge.profiles.profile import Profile, PsiNoise, ScaleNoise, SeriesNoise
from driftgauge.profiles.segment_noise import joint_noise, joint_psi
from driftgauge.profiles.tag_text import tag_text
from driftgauge.sources.profile_file import profile_json, read_profile, write_profile
from segmented import COUNTRIES, built, loans

ROWS = loans(12_000, 1)


@pytest.fixture(scope="module")
def result():
    return built(ROWS)


@pytest.fixture(scope="module")
def profile(result):
    return result.profile


def segment(profile, value):
    return next(one for one in profile.segments.values if one.value == value)


def test_segments_are_the_values_of_the_tag_largest_first_with_their_rows(profile):
    assert profile.segments.tag == "country"
    rows = {value: sum(row["country"] == value for row in ROWS) for value in COUNTRIES}
    assert [(one.value, one.rows) for one in profile.segments.values] == list(rows.items())


def test_the_segments_counts_are_of_the_wholes_cells_and_add_up_to_it(profile):
    for name, field in profile.features.items():
        own = [one.features[name].counts for one in profile.segments.values]
        assert np.sum(own, axis=0).tolist() == field.counts
    labels = [one.label.counts for one in profile.segments.values]
    assert np.sum(labels, axis=0).tolist() == profile.prediction.label.counts
    spec = profile.features["job"]
    nobody = segment(profile, "pl").features["job"].counts[spec.categories.index("unemployed")]
    assert nobody == 0


def test_a_segments_reference_is_a_layout_of_the_same_cells_and_hash(profile):
    whole = Layout.of(profile)
    part = whole.within(segment(profile, "pl"))
    assert (part.profile_hash, part.size) == (whole.profile_hash, whole.size)
    assert [slot.spec.cell_names for slot in part.slots] == [slot.spec.cell_names for slot in whole.slots]
    assert part.reference.sum() < whole.reference.sum()
    level = {s.key: s.reference for s in contrasts_of(part, 60_000).series}
    # Of its own: incomes lie at the top of the whole's distribution, in the middle of the segment's.
    assert level["income|location|"] == pytest.approx(0.5, abs=1e-6)


def test_a_profile_without_segments_is_written_and_named_as_ever(profile):
    plain = built(ROWS, tagged=False).profile
    assert "segments" not in json.loads(profile_json(plain))
    assert plain.content_hash == profile.model_copy(update={"segments": None}).content_hash
    assert plain.content_hash != profile.content_hash


def test_only_so_many_segments_have_a_reference_and_small_ones_none_and_both_is_said():
    done = built(ROWS, segments=2)
    assert [one.value for one in done.profile.segments.values] == ["de", "fr"]
    assert any("3 values with a reference are beyond --segments 2 (it, es, pl; " in note.text for note in done.notes)
    small = built(ROWS[:6000])
    assert [one.value for one in small.profile.segments.values] == ["de", "fr", "it", "es"]
    assert any("1 of 5 values have fewer than 500 rows (pl; " in note.text for note in small.notes)
    none = built(ROWS[:900])
    assert none.profile.segments is None
    assert any(note.level == "warning" and "the profile has no segments" in note.text for note in none.notes)


def test_a_file_of_it_is_read_back_and_one_of_other_cells_is_refused(profile, tmp_path):
    file = write_profile(profile, tmp_path / "p.json")
    assert read_profile(file) == profile
    content = json.loads(file.read_text())
    content["segments"]["values"][1]["features"]["job"]["counts"].pop()
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="segment 'fr', job: counts has 6 cells, expected 7"):
        read_profile(file)
    del content["segments"]["values"][1]["features"]["job"]
    with pytest.raises(ValidationError, match="segment 'fr' has other fields than the profile"):
        Profile.model_validate({name: value for name, value in content.items() if name != "hash"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("de", "de"),
        ("07", "07"),
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (1e-7, "1e-7"),
        (True, "true"),
        ("", None),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (2**63, None),
        (1e300, None),
        ([], None),
        ({"a": 1}, None),
        ("\ud800", None),
        ("x" * 257, None),
    ],
)
def test_a_tags_value_is_a_text_or_no_segment(value, text):
    assert tag_text(value) == text


def test_a_category_that_a_segment_never_had_has_a_share_that_can_be_judged(profile):
    series = contrasts_of(Layout.of(profile).within(segment(profile, "pl")), 60_000).series
    share = next(s for s in series if s.key == "job|share|unemployed")
    assert share.reference == 0
    assert share.sd == pytest.approx(math.sqrt(1 / share.reference_n), rel=0.01)


def noise(variance, *scales, season=()):
    return SeriesNoise(
        length="1m",
        panes=400,
        mean=0.5,
        variance=variance,
        lag1=0.1,
        mean_n=10,
        scales=list(scales),
        season=list(season),
    )


def scale(length, variance, events, dof):
    return ScaleNoise(length=length, windows=100, variance=variance, events=events, dof=dof)


def test_a_segment_wanders_as_the_whole_unless_its_own_rows_surely_show_more():
    sd = 0.3
    whole = noise(0.01, scale("15m", sd**2 / 100 + 0.001, 100, 1000), season=[0.1] * 48)
    quiet = noise(0.009, scale("15m", sd**2 / 5, 5, 1000))
    same = joint_noise(quiet, whole, sd)
    assert (same.variance, same.scales, same.season) == (whole.variance, whole.scales, whole.season)
    restless = noise(0.04, scale("15m", sd**2 / 5 + 0.02, 5, 1000), season=[0.2] * 48)
    more = joint_noise(restless, whole, sd)
    assert (more.variance, more.scales, more.season) == (restless.variance, restless.scales, restless.season)
    unsure = noise(0.009, scale("15m", sd**2 / 5 + 0.002, 5, 20))
    assert joint_noise(unsure, whole, sd).scales == whole.scales
    shorter = restless.model_copy(update={"length": "10s"})
    assert joint_noise(shorter, whole, sd).variance == whole.variance
    assert joint_noise(None, whole, sd) == whole
    assert joint_noise(quiet, None, sd) == quiet


def test_a_scale_that_only_one_side_was_measured_at_counts_from_its_length_on():
    sd = 0.3
    whole = noise(0.01, scale("1m", 0.02, 10, 1000), scale("1h", 0.001, 600, 1000))
    own = noise(0.01, scale("15m", sd**2 / 5 + 0.02, 5, 1000))
    lengths = {s.length: s.variance for s in joint_noise(own, whole, sd).scales}
    assert lengths == {"1m": 0.02, "15m": sd**2 / 5 + 0.02, "1h": sd**2 / 5 + 0.02}


def test_psi_of_windows_that_a_segment_was_too_small_to_measure_is_the_wholes_wander_and_its_own_sampling(profile):
    whole = next(s for s in contrasts_of(Layout.of(profile), 60_000).series if s.key == "income|psi_1h|")
    part = Layout.of(profile).within(segment(profile, "fr"))
    own = next(s for s in contrasts_of(part, 60_000).series if s.key == whole.key)
    wander, varies, windows = 0.05, 0.001, 100
    dof, v = whole.slot.spec.bins - 1, (windows + 1) / whole.reference_n
    measured = PsiNoise(
        length="1h", windows=windows, mean=v * dof + wander, variance=2 * v**2 * dof + 4 * v * wander + varies
    )
    spec = whole.slot.spec.model_copy(update={"psi": [measured]})
    told = type(whole)(**{f: getattr(whole, f) for f in whole.__slots__} | {"slot": _with(whole.slot, spec)})
    few = PsiNoise(length="1h", windows=5, mean=9.0, variance=9.0)
    [lent] = joint_psi([few], told, own)
    u = (windows + 1) / own.reference_n
    assert lent.mean == pytest.approx(u * dof + wander)
    assert lent.variance == pytest.approx(2 * u**2 * dof + 4 * u * wander + varies)
    enough = few.model_copy(update={"windows": 20})
    assert joint_psi([enough], told, own) == [enough]


def _with(slot, spec):
    return type(slot)(slot.index, slot.name, slot.role, spec, slot.start, slot.stop)


def test_cells_that_a_segment_has_no_row_in_say_nothing_about_how_its_psi_moves(profile):
    whole = {n.length: n.mean for n in profile.features["income"].psi}
    poor = built([row | {"income": min(row["income"], 9000)} if row["country"] == "de" else row for row in ROWS])
    own = {n.length: n for n in segment(poor.profile, "de").features["income"].psi}
    # All but the lowest bins are empty there; each would add (1 / n) ln(...) of nothing.
    assert own["1h"].mean < 2 * whole["1h"]
