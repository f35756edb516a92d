"""Laws of configurations with one thing wrong: all that follows is a ConfigError, and it shows no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftgauge import config_file
from driftgauge.engine.configured import models_of
from driftgauge.engine.problems import problems_of
from driftgauge.errors import ConfigError
from driftgauge.profiles.profile import Profile
from hostile import bytes_changed, changed, fuzz
from live import loan_events, profile_of

SECRET = "hunter2-5e1f"
CONFIG = {
    "kafka": {
        "bootstrap_servers": ["a:9092", "b:9092"],
        "group_id": "g",
        "session_timeout": "10s",
        "start": "2026-03-15T10:03:00Z",
        "security": {
            "protocol": "SASL_SSL",
            "sasl_mechanism": "OAUTHBEARER",
            "oauth": {"token_endpoint": "https://h/t", "client_id": "c", "client_secret_file": "secret", "scope": "s"},
        },
    },
    "topics": {"predictions": {"name": "p", "model_id": "m"}, "features": "f", "labels": "l", "panes": "q"},
    "redis": {"url": "rediss://h:6379/0", "namespace": "n", "username": "u", "password_file": "secret"},
    "panes": {"length": "auto", "out_of_orderness": "5s", "idle_after": "1s", "partitions": 2, "max_skew": 3},
    "models": [
        {
            "model_id": "loan-approval",
            "model_version": "7",
            "profile": "profile.json",
            "false_alarm_budget": 2,
            "panes": {"length": "5m"},
            "redact": ["income"],
        },
        {
            "model_id": "loan-approval",
            "model_version": "7",
            "profile": "profile.json",
            "effective_from": "2026-04-01T00:00:00Z",
        },
    ],
    "detectors": {
        "adwin": {"on": "event", "delta": 0.01},
        "psi": {"enabled": False},
        "ddm": {"series": ["employment_type|missing"]},
        "multiscale": {},
        "traffic": {"enabled": True},
    },
    "checkpoint": {"interval": "1s"},
    "logging": {"level": "debug"},
    "alerts": {"repeat_interval": "2d", "resolve_after_panes": 3},
    "limits": {"ring_panes": 60, "segments": 0},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config")
    (path / "profile.json").write_text("{}")
    (path / "secret").write_text(f"{SECRET}\n")
    return path


@pytest.fixture(scope="module")
def profile():
    return profile_of(loan_events(2_000))


@fuzz(100)
@given(data=st.data())
def test_a_configuration_with_one_change_is_read_or_refused(folder: Path, profile, data: st.DataObject) -> None:
    text = json.dumps(CONFIG, indent=1).encode()
    if data.draw(st.integers(0, 3)):
        text = json.dumps(data.draw(changed(CONFIG)), default=str).encode()
    else:
        text = data.draw(bytes_changed(text))
    file = folder / "driftgauge.yaml"
    file.write_bytes(text)
    env = data.draw(st.sampled_from([{}, {"DRIFTGAUGE_REDIS__PASSWORD": SECRET}, {"DRIFTGAUGE_KAFKA__OAUTH": SECRET}]))
    assert SECRET not in said(file, env, profile)


def said(file: Path, env: dict[str, str], profile: Profile) -> str:
    """The error, if there is one."""
    try:
        models_of(*config_file.load_with_profiles(file, env, lambda _: profile, examine=problems_of))
    except ConfigError as error:
        return str(error)
    return ""
