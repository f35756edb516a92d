"""The command line's frame: help at once, errors as one line with their exit code, nothing heavy imported for it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import structlog

from driftgauge import __version__, cli
from driftgauge.config import Config
from driftgauge.errors import UnavailableError
from driftgauge.runtime.kafka_clients import consumer_settings, dead_letter_bytes, producer_settings
from driftgauge.runtime.topics import topic_plans
from driftgauge.telemetry.logging import configure

CONFIG = {
    "kafka": {"bootstrap_servers": ["localhost:9092"]},
    "topics": {"predictions": "ml.predictions", "labels": {"name": "ml.labels"}},
    "models": [{"model_id": "m", "model_version": 7, "profile": "p.json"}],
}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "driftgauge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env}, timeout=120)


def ending(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "COMMANDS", {"broken": SimpleNamespace(module="check", help="")})
    monkeypatch.setattr(cli, "import_module", lambda name: SimpleNamespace(command=fail, EXAMPLE="driftgauge broken"))
    monkeypatch.setattr(sys, "argv", ["driftgauge", "broken"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    heavy = "{'river', 'scipy', 'pyarrow', 'kafka', 'numpy', 'pydantic'}"
    code = f"import sys; import driftgauge.cli; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
    done = run("--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in cli.COMMANDS)


def test_every_command_can_be_imported_and_its_help_has_an_example() -> None:
    for name in cli.COMMANDS:
        command = cli.load(name)
        ends = list(command.commands.values()) if hasattr(command, "commands") else [command]
        assert all(f"driftgauge {name}" in (end.epilog or "") for end in ends), name


def test_help_is_there_within_a_moment_as_no_large_library_is_imported() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "driftgauge", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}
    assert "driftgauge" in imported
    assert not imported & {"numpy", "scipy", "river", "kafka", "redis", "pydantic", "pyarrow", "msgspec"}


def test_version_is_printed() -> None:
    assert run("--version").stdout == f"driftgauge {__version__}\n"


def test_an_unknown_command_or_option_exits_with_two_and_suggests() -> None:
    done = run("topcs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'topics'?" in done.stderr
    assert run("topics", "create").returncode == 2


def test_a_configuration_error_is_lines_on_stderr_and_exit_two(tmp_path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("kafka: {}\n")
    done = run("topics", "create", "-c", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}:1:1: topics: is missing\n")


def test_errors_end_with_their_exit_code(monkeypatch, capsys) -> None:
    assert ending(monkeypatch, UnavailableError("Kafka is away")) == 1
    assert capsys.readouterr().err == "error: Kafka is away\n"
    assert ending(monkeypatch, KeyboardInterrupt()) == 130


def test_a_closed_pipe_is_quiet(monkeypatch, capsys) -> None:
    assert ending(monkeypatch, BrokenPipeError(32, "Broken pipe")) == 1
    assert capsys.readouterr().err == ""


def test_anything_else_is_a_bug_with_its_traceback(monkeypatch, capsys) -> None:
    assert ending(monkeypatch, RuntimeError("odd")) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: odd" in err
    assert "this is a bug" in err


def test_clients_never_commit_or_reset_on_their_own() -> None:
    config = Config.model_validate(CONFIG)
    reading = consumer_settings(config)
    assert (reading["enable_auto_commit"], reading["auto_offset_reset"], reading["isolation_level"]) == (
        False,
        "none",
        "read_committed",
    )
    assert producer_settings(config)["enable_idempotence"]


def test_secured_clients_get_their_credentials() -> None:
    security = {"protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "u", "password": "p", "ca_file": "/ca"}
    kafka = {**CONFIG["kafka"], "security": security}
    settings = producer_settings(Config.model_validate({**CONFIG, "kafka": kafka}))
    assert settings["sasl_plain_password"]() == "p"
    assert (settings["security_protocol"], settings["ssl_cafile"]) == ("SASL_SSL", "/ca")


def test_dead_letters_may_be_larger_than_any_input() -> None:
    config = Config.model_validate({**CONFIG, "limits": {"max_record_bytes": 3_000_000}})
    plans = {plan.purpose: plan for plan in topic_plans(config)}
    assert int(plans["dead_letters"].settings["max.message.bytes"]) > config.limits.max_record_bytes
    assert producer_settings(config)["max_request_size"] == dead_letter_bytes(config)
    assert (plans["panes"].partitions, plans["panes"].settings["retention.ms"]) == (4, "1209600000")


@pytest.fixture
def logs():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_log_lines_are_json_and_libraries_take_the_same_way(logs) -> None:
    configure("json", "info", stream=logs)
    structlog.get_logger().info("checkpoint_saved", records=3)
    structlog.get_logger().debug("not_shown")
    logging.getLogger("kafka.net").warning("broker %s is away", "a:1")
    logging.getLogger("kafka.net").info("reconnecting")
    own, foreign = [json.loads(line) for line in logs.getvalue().splitlines()]
    assert (own["event"], own["records"], own["level"]) == ("checkpoint_saved", 3, "info")
    assert own["timestamp"].endswith("Z")
    assert (foreign["event"], foreign["logger"], foreign["level"]) == ("broker a:1 is away", "kafka.net", "warning")


@pytest.mark.parametrize("format_", ["json", "console"])
def test_no_secret_reaches_a_log_line(logs, format_) -> None:
    configure(format_, "debug", secrets=["hunter2"], stream=logs)
    structlog.get_logger().info("connected", settings={"sasl_plain_password": "other"}, url="redis://:hunter2@h")
    logging.getLogger("redis").error("AUTH hunter2 failed")
    local_value = "value-of-a-feature"
    try:
        int(f"hunter2 {len(local_value)}")
    except ValueError:
        structlog.get_logger().exception("batch_failed")
    text = logs.getvalue()
    assert "batch_failed" in text
    assert "ValueError" in text
    assert all(word not in text for word in ("hunter2", "other", "value-of-a-feature"))
