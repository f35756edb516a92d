"""The configuration file: what is read, what is refused, and where an error says it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge import config_file
from driftgauge.config import Config
from driftgauge.errors import ConfigError, InputError
from driftgauge.profiles.profile import NumericField, Profile, ReferenceSpan

GOOD = """\
kafka:
  bootstrap_servers: [localhost:9092]
topics:
  predictions: ml.predictions
redis:
  url: redis://localhost:6379/0
panes: {length: 60s, out_of_orderness: 30s, idle_after: 15s, partitions: 4}
models:
  - model_id: loan-approval
    model_version: "7"
    profile: profile.json
checkpoint: {interval: 2s}
logging: {format: json, level: info}
"""


def profile(model_id: str = "loan-approval", model_version: str = "7") -> Profile:
    field = NumericField(
        edges=[1.0], low=0.0, high=2.0, minimum=0.0, maximum=2.0, mean=1.0, sd=0.5, counts=[50, 50, 0, 0, 0, 0]
    )
    reference = ReferenceSpan(files=["a.csv"], rows=100, first_ms=0, last_ms=99_000)
    return Profile(
        model_id=model_id, model_version=model_version, reference=reference, suggested_pane="5m", features={"x": field}
    )


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "profile.json").write_text("{}")

    def write_text(text: str) -> Path:
        path = tmp_path / "driftgauge.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def problems(path: Path, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config_file.load(path, env)
    return [line.replace(str(path.parent) + "/", "") for line in str(caught.value).splitlines()]


def test_a_configuration_knows_how_it_was_named(tmp_path):
    file = tmp_path / "my drift.yaml"
    file.write_text(
        "topics: {predictions: in}\nkafka: {bootstrap_servers: [k:1]}\nmodels: [{model_id: m, model_version: '1'}]\n"
    )
    config = config_file.load(file, {})
    assert config.file_option == f"-c '{file}'"


def test_a_good_file_gives_milliseconds_and_absolute_paths(write, tmp_path: Path) -> None:
    config = config_file.load(write(GOOD), {})
    assert (config.panes.length, config.panes.idle_after, config.checkpoint.interval) == (60_000, 15_000, 2_000)
    assert config.models[0].profile == str(tmp_path / "profile.json")
    assert config.topics.predictions is not None
    assert config.topics.predictions.name == "ml.predictions"
    assert config.topics.alerts == "ml.drift.alerts"


def test_every_problem_is_listed_at_once_with_its_place(write) -> None:
    text = GOOD.replace("  bootstrap_servers", "  group_idd: x\n  bootstrap_servers").replace("15s", "9y")
    assert problems(write(text.replace("format: json", "format: jsn").replace("partitions: 4", 'partitions: "4"'))) == [
        "driftgauge.yaml:2:3: kafka.group_idd: unknown field, did you mean group_id?",
        "driftgauge.yaml:8:57: panes.idle_after: '9y' is no duration; write a whole number and a unit: 10s, 5m, 1h, 1d",
        "driftgauge.yaml:8:73: panes.partitions: expected a whole number",
        "driftgauge.yaml:14:19: logging.format: should be 'json' or 'console', did you mean json?",
    ]


def test_a_missing_field_is_reported_at_its_section(write) -> None:
    assert problems(write(GOOD.replace('    model_version: "7"\n', ""))) == [
        "driftgauge.yaml:9:5: models[0].model_version: is missing"
    ]


def test_a_key_twice_names_both_lines(write) -> None:
    assert problems(write(GOOD + "checkpoint: {interval: 5s}\n")) == [
        "driftgauge.yaml:14:1: checkpoint: stands here twice, first in line 12"
    ]


@pytest.mark.parametrize("spelling", ["7", '"7"'])
def test_version_seven_is_the_same_with_and_without_quotes(write, spelling: str) -> None:
    config = config_file.load(write(GOOD.replace('"7"', spelling)), {})
    assert config.models[0].model_version == "7"


def test_a_version_that_yaml_would_round_must_be_quoted(write) -> None:
    (line,) = problems(write(GOOD.replace('"7"', "1.10")))
    assert line.startswith("driftgauge.yaml:10:20: models[0].model_version:")
    assert 'quote it, "1.10"' in line


@pytest.mark.parametrize("version", ["010", "1_0", "2026-01-01", "0x7", "1:30", "on"])
def test_old_yaml_scalars_stay_as_they_are_written(write, version: str) -> None:
    assert config_file.load(write(GOOD.replace('"7"', version)), {}).models[0].model_version == version


def test_the_same_version_twice_is_refused_and_several_versions_are_fine(write) -> None:
    second = "  - {model_id: loan-approval, model_version: 8, profile: profile.json}\n"
    text = GOOD.replace("checkpoint", second + "checkpoint")
    assert len(config_file.load(write(text), {}).models) == 2
    assert problems(write(text.replace("version: 8", "version: 7"))) == [
        "driftgauge.yaml:12:5: models[1]: loan-approval/7 is configured twice; give the later one an effective_from"
    ]


def test_a_version_may_change_its_profile_at_times_that_ascend(write) -> None:
    second = "  - {model_id: loan-approval, model_version: 7, profile: profile.json, effective_from: 2026-04-01}\n"
    third = (
        "  - {model_id: loan-approval, model_version: 7, profile: profile.json, effective_from: 2026-05-01T06:00:00Z}\n"
    )

    def with_entries(*entries: str) -> Path:
        return write(GOOD.replace("checkpoint", "".join(entries) + "checkpoint"))

    models = config_file.load(with_entries(second, third), {}).models
    assert [model.effective_from for model in models] == [None, 1_775_001_600_000, 1_777_615_200_000]
    # A first one may have a time too: until then there is none.
    first = GOOD.replace("profile: profile.json", "profile: profile.json\n    effective_from: 2026-03-01T00:00:00Z")
    assert config_file.load(write(first), {}).models[0].effective_from == 1_772_323_200_000
    assert problems(with_entries(third, second)) == [
        "driftgauge.yaml:13:88: models[2].effective_from: is not later than that of the entry before"
    ]
    assert problems(with_entries(second.replace("profile: profile.json, ", ""))) == [
        "driftgauge.yaml:12:65: models[1].effective_from: says from when a profile holds, and there is no profile"
    ]
    assert problems(with_entries(second.replace("2026-04-01}", "2026-04-01, features_from: predictions}"))) == [
        "driftgauge.yaml:12:115: models[1].features_from: can't change within a version; say the same in all entries"
    ]
    assert "expected RFC 3339" in problems(with_entries(second.replace("2026-04-01", "soon")))[0]


def test_the_environment_wins_over_the_file_and_splits_lists_at_commas(write) -> None:
    env = {
        "DRIFTGAUGE_KAFKA__BOOTSTRAP_SERVERS": "a:1, b:2",
        "DRIFTGAUGE_PANES__PARTITIONS": "8",
        "DRIFTGAUGE_PANES__LENGTH": "10s",
        "DRIFTGAUGE_TOPICS__FEATURES": "ml.features",
        "DRIFTGAUGE_KAFKA__GROUP_ID": "7",
        "DRIFTGAUGE_LOGGING__LEVEL": "",
        "DRIFTGAUGE_TEST_KAFKA": "ignored:1",
    }
    config = config_file.load(write(GOOD), env)
    assert config.kafka.bootstrap_servers == ["a:1", "b:2"]
    assert (config.panes.partitions, config.panes.length, config.kafka.group_id) == (8, 10_000, "7")
    assert config.topics.features is not None
    assert config.logging.level == "info"


def test_a_wrong_or_misspelt_variable_is_named(write) -> None:
    assert problems(write(GOOD), DRIFTGAUGE_KAFKA__STRAT="latest", DRIFTGAUGE_PANES__PARTITIONS="many") == [
        "DRIFTGAUGE_KAFKA__STRAT names no field, did you mean DRIFTGAUGE_KAFKA__START?",
        "DRIFTGAUGE_PANES__PARTITIONS: panes.partitions: expected a whole number",
    ]


def test_a_password_in_the_file_is_refused_without_showing_it(write) -> None:
    (line,) = problems(write(GOOD.replace("redis://localhost", "redis://:hunter2@localhost")))
    assert line == (
        "driftgauge.yaml:6:8: redis.url: a password doesn't belong into this file; "
        "set DRIFTGAUGE_REDIS__URL or password_file"
    )
    (line,) = problems(write(GOOD.replace("  url:", "  password: hunter2\n  url:")))
    assert "DRIFTGAUGE_REDIS__PASSWORD" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("url", ["redis:/:hunter2@localhost", "redis://[:hunter2@localhost", "http://:hunter2@h"])
def test_a_malformed_url_never_shows_its_password(write, url: str) -> None:
    assert "hunter2" not in "".join(problems(write(GOOD.replace("redis://localhost:6379/0", f'"{url}"'))))
    assert "hunter2" not in "".join(problems(write(GOOD), DRIFTGAUGE_REDIS__URL=url))


def test_a_password_of_the_environment_is_kept_apart_from_the_url(write) -> None:
    config = config_file.load(write(GOOD), {"DRIFTGAUGE_REDIS__URL": "redis://joe:hunt%21@cache:6380/2"})
    assert (config.redis.url, config.redis.username) == ("redis://cache:6380/2", "joe")
    assert config.redis.password is not None
    assert config.redis.password.get_secret_value() == "hunt!"
    assert "hunt" not in repr(config)


def test_a_password_is_read_from_its_own_file(write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    security = (
        "kafka:\n  security:\n    {protocol: SASL_SSL, sasl_mechanism: PLAIN, username: u, password_file: secret}\n"
    )
    config = config_file.load(write(GOOD.replace("kafka:\n", security)), {})
    assert config.kafka.security.password is not None
    assert config.kafka.security.password.get_secret_value() == "hunter2"


def test_security_settings_that_contradict_each_other_are_refused(write) -> None:
    (line,) = problems(write(GOOD.replace("kafka:\n", "kafka:\n  security: {username: joe}\n")))
    assert line.startswith("driftgauge.yaml:2:13: kafka.security: user and password are not used with PLAINTEXT")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "driftgauge.yaml:1:1: the file is empty; start with kafka:, topics: and models:"),
        ("- a\n", "driftgauge.yaml:1:1: the file holds no fields (key: value) at its top"),
        ("just text", "driftgauge.yaml:1:1: the file holds no fields (key: value) at its top"),
        ("kafka: [a\nb: c", "driftgauge.yaml:2:2: not YAML:"),
        ("kafka: {a: 1}\n---\nkafka: {}", "driftgauge.yaml:2:1: not YAML:"),
        ("kafka: !!python/object:os.system {}", "driftgauge.yaml:1:8: kafka: tags such as"),
        ("a: &a [*a]", "driftgauge.yaml:1:4: nested more than 30 deep"),
        ("a: \x00", "driftgauge.yaml:1:1: not YAML:"),
    ],
)
def test_what_is_no_configuration_is_refused_clearly(write, text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in problems(write(text)))


def test_no_file_a_directory_and_binary_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, words in (("none.yaml", "no such file"), ("", "is a directory"), ("binary", "is not UTF-8 text")):
        with pytest.raises(ConfigError, match=words):
            config_file.load(tmp_path / name, {})


def test_input_topics_are_needed_and_each_topic_has_one_purpose(write) -> None:
    (line,) = problems(write(GOOD.replace("predictions: ml", "labels: ml")))
    assert line == "driftgauge.yaml:4:3: topics: name a topic to read: predictions or features"
    (line,) = problems(write(GOOD.replace("ml.predictions", "ml.drift.alerts")))
    assert "ml.drift.alerts is used for two purposes" in line


def test_features_come_from_the_only_topic_that_has_them(write) -> None:
    config = config_file.load(write(GOOD.replace("predictions: ml", "features: ml")), {})
    assert config.features_topic(config.models[0]) == "features"
    (line,) = problems(write(GOOD.replace('"7"', '"7"\n    features_from: features')))
    assert line == "driftgauge.yaml:11:20: models[0].features_from: topics.features is not configured"


def test_a_profile_that_is_absent_or_of_another_model_is_reported_at_its_place(write) -> None:
    (line,) = problems(write(GOOD.replace("profile.json", "missing.json")))
    assert line.startswith("driftgauge.yaml:11:14: models[0].profile: missing.json does not exist")
    with pytest.raises(ConfigError, match=r"11:14: models\[0\].profile: this is the profile of other/7"):
        config_file.load_with_profiles(write(GOOD), {}, lambda _: profile("other"))

    def unreadable(path: Path) -> Profile:
        raise InputError("features.x.counts: has 3 cells, expected 6")

    with pytest.raises(ConfigError, match=r"11:14: models\[0\].profile: features.x.counts"):
        config_file.load_with_profiles(write(GOOD), {}, unreadable)


def test_an_auto_pane_is_the_profiles_suggestion_and_a_models_own_length_wins(write) -> None:
    loaded = config_file.load_with_profiles(write(GOOD.replace("length: 60s", "length: auto")), {}, lambda _: profile())
    model = loaded.config.models[0]
    assert loaded.config.pane_length(model, loaded.profiles[0].suggested_pane) == 300_000
    own = GOOD.replace('"7"', '"7"\n    panes: {length: 1h}')
    config = config_file.load(write(own), {})
    assert config.pane_length(config.models[0], "5m") == 3_600_000


@given(st.text(max_size=200))
def test_any_text_gives_a_configuration_or_a_configuration_error(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError):
        config_file.load(path, {})


def test_the_schema_accepts_what_people_write_and_holds_no_password() -> None:
    schema = Config.model_json_schema()
    assert "password" not in schema["$defs"]["RedisConfig"]["properties"]
    topic = schema["$defs"]["TopicsConfig"]["properties"]["predictions"]["anyOf"]
    assert {"string", "null"} <= {option.get("type") for option in topic}
    assert schema["$defs"]["CheckpointConfig"]["properties"]["interval"]["type"] == "string"
