"""Secrets stay where they are: nothing that is printed, logged, shown or raised holds one, whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import structlog

from driftgauge.app import redis_state
from driftgauge.cli import main
from driftgauge.config_file import load
from driftgauge.config_secrets import known_secrets
from driftgauge.errors import DriftgaugeError
from driftgauge.records import Source
from driftgauge.runtime.kafka_clients import connection_settings, consumer_settings, producer_settings
from driftgauge.runtime.topics import admin_client, partition_counts
from driftgauge.sinks.kafka import KafkaSink
from driftgauge.sources.kafka import KafkaSource
from driftgauge.sources.profile_file import write_profile
from driftgauge.telemetry.logging import configure
from live import PATIENCE_S
from secured_config import PASSWORDS, REDIS_PASSWORD, leaked

KEY_PASSWORD, CLIENT_SECRET = "key-password-55aa01", "client-secret-d0d0ca"
EVERY = [KEY_PASSWORD, CLIENT_SECRET]
OAUTH = "DRIFTGAUGE_KAFKA__SECURITY__OAUTH__CLIENT_SECRET"
RIGHT = {
    "DRIFTGAUGE_KAFKA__SECURITY__PASSWORD": PASSWORDS["worker"],
    "DRIFTGAUGE_KAFKA__SECURITY__KEY_PASSWORD": KEY_PASSWORD,
    "DRIFTGAUGE_REDIS__PASSWORD": REDIS_PASSWORD,
}


@pytest.fixture
def file(secured, secured_redis, profile, tmp_path: Path):
    """A configuration with every kind of secret but its values."""
    write_profile(profile, tmp_path / "profile.json")
    made = secured.authority.issue("shown", password=KEY_PASSWORD)
    security = {
        "protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "username": "worker",
        "ca_file": str(secured.authority.ca),
        "cert_file": str(made.cert),
        "key_file": str(made.key),
    }

    def write(**changes) -> Path:
        settings = {
            "kafka": {
                "bootstrap_servers": [secured.listeners["sasl"]],
                "group_id": "shown",
                "security": security | changes,
            },
            "topics": {"predictions": "shown"},
            "redis": {"url": secured_redis.url, "username": "driftgauge", "ca_file": str(secured.authority.ca)},
            "models": [{"model_id": "loan-approval", "model_version": "7", "profile": "profile.json"}],
            "logging": {"level": "debug"},
        }
        path = tmp_path / "shown.yaml"
        path.write_text(json.dumps(settings))
        return path

    return write


@pytest.fixture(scope="session")
def topics(secured) -> None:
    """Those of the configuration, with permissions to look them up."""
    names = {"shown": 1, "ml.driftgauge.panes": 4, "ml.drift.alerts": 1, "ml.driftgauge.dead-letters": 1}
    for name, partitions in names.items():
        secured.create_topic(name, partitions)
    secured.permit("worker", [("TOPIC", name, "DESCRIBE") for name in names])


@pytest.fixture
def restored_logging():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for library in ("kafka", "redis"):
        logging.getLogger(library).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
def command(monkeypatch, capsys):
    def run(arguments: list[str], env: dict[str, str]) -> tuple[int, str]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["driftgauge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out + written.err

    return run


def test_check_shows_how_and_as_whom_but_no_secret(file, command) -> None:
    for options in ([], ["--json"]):
        code, written = command(["check", "-c", str(file()), *options], RIGHT)
        assert code == 0
        assert "PLAIN" in written
        assert "worker" in written
        assert not leaked(written, EVERY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": PASSWORDS["worker"]},
        {"key_password": KEY_PASSWORD},
        {"oauth": {"client_secret": CLIENT_SECRET}},
        {"oauth": {"token_endpoint": f"https://joe:{CLIENT_SECRET}@host/"}},
        {"oauth": {"token_endpoint": f"http://{CLIENT_SECRET}"}},
    ],
)
def test_a_secret_in_the_configuration_is_refused_without_being_shown(file, command, wrong) -> None:
    code, written = command(["check", "-c", str(file(**wrong))], {})
    assert code == 2
    assert not leaked(written, EVERY)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DRIFTGAUGE_KAFKA__SECURITY__PASSWORD", "wrong-a1b2c3", "kafka.security"),
        ("DRIFTGAUGE_KAFKA__SECURITY__KEY_PASSWORD", "wrong-a1b2c3", "key_file"),
        ("DRIFTGAUGE_REDIS__URL", "rediss://:wrong-a1b2c3@[bad", "is no URL"),
        (OAUTH, "wrong-a1b2c3", "oauth"),
    ],
)
def test_a_wrong_secret_is_not_shown(file, command, variable: str, value: str, expected: str) -> None:
    code, written = command(["topics", "create", "-c", str(file())], RIGHT | {variable: value})
    assert code in (1, 2)
    assert expected in written
    assert not leaked(written, [*EVERY, "wrong-a1b2c3"])


@pytest.mark.parametrize("wrong", ["DRIFTGAUGE_KAFKA__SECURITY__PASSWORD", "DRIFTGAUGE_REDIS__PASSWORD"])
def test_a_worker_that_is_refused_ends_soon_with_the_setting_and_no_secret(topics, file, wrong: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "driftgauge", "run", "-c", str(file())],
        env=os.environ | RIGHT | {wrong: "wrong-a1b2c3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    arguments = Path(f"/proc/{process.pid}/cmdline")
    assert not arguments.exists() or not leaked(arguments.read_text(), EVERY)
    written = process.communicate(timeout=PATIENCE_S)[0].decode()
    assert process.returncode == 1
    assert ("kafka.security" if "KAFKA" in wrong else "redis.username and password") in written.splitlines()[-1]
    assert not leaked(written, [*EVERY, "wrong-a1b2c3"])


def test_no_object_shows_a_secret(file) -> None:
    config = load(file(), RIGHT)
    shown = [
        *(form(value) for value in (config, config.kafka.security, config.redis) for form in (repr, str)),
        config.model_dump_json(),
        str(config.model_dump()),
        *(repr(settings(config)) for settings in (connection_settings, consumer_settings, producer_settings)),
        repr(redis_state(config)._redis),
    ]
    assert not leaked("\n".join(shown), EVERY)


def test_kafka_pythons_own_debug_log_holds_no_secret(secured, file, restored_logging, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(secured.issuer.token("worker"))
    only_key = {name: value for name, value in RIGHT.items() if "KEY_PASSWORD" in name}
    ways = [
        load(file(), RIGHT),
        load(file(sasl_mechanism="SCRAM-SHA-256"), RIGHT),
        load(file(sasl_mechanism="OAUTHBEARER", oauth={"token_file": str(token)}, username=None), only_key),
    ]
    stream = io.StringIO()
    configure("json", "debug", secrets=known_secrets(ways[0]), stream=stream)
    for library in ("kafka", "redis"):
        logging.getLogger(library).setLevel(logging.DEBUG)
    for config in ways:
        with admin_client(config) as admin:
            partition_counts(admin, [])
        KafkaSink(producer_settings(config)).close()
        KafkaSource(consumer_settings(config)).close()
    redis_state(ways[0]).claim(Source("t", 0))
    written = stream.getvalue()
    assert "SaslAuthenticateRequest" in written
    assert not leaked(written, [*EVERY, token.read_text()])


def test_a_traceback_holds_no_secret(file) -> None:
    config = load(file(), RIGHT | {"DRIFTGAUGE_KAFKA__SECURITY__PASSWORD": "wrong-a1b2c3"})
    try:
        with admin_client(config):
            pass
    except DriftgaugeError as error:
        written = "".join(traceback.format_exception(error))
    assert not leaked(written, [*EVERY, "wrong-a1b2c3"])
