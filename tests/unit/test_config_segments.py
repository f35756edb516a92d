"""Segments in the configuration: which are watched, what doesn't fit the profile, and what `check` says they cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driftgauge import cli
from driftgauge.config import Config, LimitsConfig, SegmentsConfig
from driftgauge.config_file import load_with_profiles
from driftgauge.config_segments import watched_segments
from driftgauge.engine.configured import models_of
from driftgauge.errors import ConfigError
from driftgauge.sources.profile_file import read_profile, write_profile
from segmented import built, loans

CONFIG = """\
kafka: {bootstrap_servers: [localhost:9092]}
topics: {predictions: ml.predictions}
models:
  - model_id: loans
    model_version: "1"
    profile: %s
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("segments")
    rows = loans(12_000, 1)
    write_profile(built(rows).profile, made / "by_country.json")
    write_profile(built(rows, tagged=False).profile, made / "plain.json")
    return made


@pytest.fixture
def config(folder):
    def write(segments: str, *, profile: str = "by_country.json", more: str = "") -> Path:
        file = folder / "driftgauge.yaml"
        file.write_text(CONFIG % profile + (f"    segments: {segments}\n" if segments else "") + more)
        return file

    return write


def watched(file: Path):
    loaded = load_with_profiles(file, {}, read_profile)
    [model] = models_of(loaded.config, loaded.profiles)
    return [part.subject.segment for part in model.segments]


@pytest.mark.parametrize(
    ("segments", "more", "expected"),
    [
        ("", "", ["de", "fr", "it", "es", "pl"]),
        ("{tag: country}", "", ["de", "fr", "it", "es", "pl"]),
        ("{limit: 2}", "", ["de", "fr"]),
        ("{values: [pl, de]}", "", ["de", "pl"]),
        ("{values: [pl], limit: 1}", "", ["pl"]),
        ("{limit: 0}", "", []),
        ("", "limits: {segments: 3}\n", ["de", "fr", "it"]),
        ("", "limits: {segments: 0}\n", []),
        ("{limit: 4}", "limits: {segments: 3}\n", ["de", "fr", "it", "es"]),
    ],
)
def test_the_profiles_largest_are_watched_or_those_that_are_named_up_to_the_limit(config, segments, more, expected):
    assert watched(config(segments, more=more)) == expected


@pytest.mark.parametrize(
    ("segments", "problem"),
    [
        (
            "{tag: land}",
            "models[0].segments.tag: the profile has no segments by land, they are by country: write country, or build",
        ),
        (
            "{values: [de, ffr]}",
            "segments.values[1]: the profile has no segment 'ffr', did you mean fr? (it has de, fr, it, es, pl)",
        ),
        ("{values: [7]}", "models[0].segments.values[0]: the profile has no segment '7' (it has de, fr"),
        (
            "{values: [de, fr, it], limit: 2}",
            "models[0].segments.values: names 3 segments, but limit is 2: raise it to as many",
        ),
        ("{values: [1.10]}", "models[0].segments.values[0]: 1.1 is no text: quote it as the tag is written"),
        ("{values: [true]}", "models[0].segments.values[0]: True is no text: quote it as the tag is written"),
        ("{values: [de, de]}", "models[0].segments: values names 'de' twice"),
        ("{values: []}", "models[0].segments.values: "),
        ("{limit: 2000}", "models[0].segments.limit: should be less than or equal to 1000"),
        ("{column: country}", "models[0].segments.column: unknown field"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place_and_the_fix(config, segments, problem):
    file = config(segments)
    with pytest.raises(ConfigError) as raised:
        load_with_profiles(file, {}, read_profile)
    assert str(raised.value).startswith(f"{file}:7:")
    assert problem in str(raised.value)


def test_more_values_than_the_common_limit_name_that_limit(config):
    file = config("{values: [de, fr]}", more="limits: {segments: 1}\n")
    with pytest.raises(ConfigError, match=r"names 2 segments, but limits\.segments is 1"):
        load_with_profiles(file, {}, read_profile)


def test_segments_of_a_profile_that_has_none_and_of_no_profile(config):
    with pytest.raises(ConfigError, match="the profile has no segments: build it with --segment country"):
        load_with_profiles(config("{tag: country}", profile="plain.json"), {}, read_profile)
    bare = config("{limit: 3}").read_text().replace("    profile: by_country.json\n", "")
    file = config("")
    file.write_text(bare)
    with pytest.raises(ConfigError, match="the model has no profile, from which its segments would come"):
        load_with_profiles(file, {}, read_profile)


def test_the_default_cap_is_that_of_profile_build():
    assert LimitsConfig().segments == 20


def test_a_number_in_the_list_is_the_tag_as_json_spells_it():
    assert SegmentsConfig.model_validate({"values": [7, "08"]}).values == ["7", "08"]
    assert "segments" in Config.model_json_schema()["$defs"]["ModelConfig"]["properties"]


def test_no_more_than_the_limit_is_chosen_of_what_is_named(folder):
    profile = read_profile(folder / "by_country.json")
    assert watched_segments(profile, SegmentsConfig(values=["pl", "es"], limit=5), 20).limit == 5


def check(file: Path, *options: str, capsys) -> str:
    cli.load("check").main(["-c", str(file), *options], standalone_mode=False)
    return capsys.readouterr().out


def test_check_says_which_segments_are_watched_and_what_they_cost(config, capsys):
    file = config("{limit: 4}")
    shown = check(file, capsys=capsys)
    assert "budget     0.5 false alerts expected per 30 days, and as many of all segments" in shown
    assert "segments   4 by country: de, fr, it, es; 84 series in all, about " in shown
    assert "0.12 false alerts expected of each per 30 days" in shown
    plan = json.loads(check(file, "--json", capsys=capsys))["models"][0]
    assert plan["segments"]["tag"] == "country"
    assert [entry["segment"] for entry in plan["segments"]["watched"]] == ["de", "fr", "it", "es"]
    assert {entry["false_alarm_budget"] for entry in plan["segments"]["watched"]} == {0.125}
    # A segment has all series of the whole but those of repeats, which are 12 bytes for each pane that is remembered.
    repeats = {plan["series"] - entry["series"] for entry in plan["segments"]["watched"]}
    assert len(repeats) == 1
    (fewer,) = repeats
    sizes = {entry["state_bytes"] for entry in plan["segments"]["watched"]}
    assert sizes == {plan["state_bytes"] - 12 * 1440 * fewer}
    assert json.loads(check(config("{limit: 0}"), "--json", capsys=capsys))["models"][0]["segments"] is None
