"""docker-compose.yml and the Dockerfile, as far as they can be judged without an engine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
DOCKERFILE = (ROOT / "worker/Dockerfile").read_text()
PREFIX = "DRIFTGAUGE_"


def test_the_compose_file_follows_the_compose_specification():
    schema = json.loads((resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema, cls=jsonschema.validators.validator_for(schema))


def test_every_image_names_an_exact_version():
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert images
    for image in images:
        assert re.search(r":\d+\.\d+[\w.-]*}?$", image), image


def test_ports_are_open_to_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_services_wait_for_what_they_depend_on():
    for name, service in SERVICES.items():
        for other, condition in service.get("depends_on", {}).items():
            ends = SERVICES[other].get("restart") == "no"
            expected = "service_completed_successfully" if ends else "service_healthy"
            assert condition == {"condition": expected}, f"{name} -> {other}"
            assert ends or "healthcheck" in SERVICES[other], f"{name} waits for {other}, which is never healthy"


def test_every_volume_of_a_service_is_declared():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_a_command_and_its_options_exist(name):
    words = SERVICES[name]["command"]
    command = words[: next(i for i, word in enumerate(words) if word.startswith("-"))]
    done = subprocess.run(
        [sys.executable, "-m", "driftgauge", *command, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.stdout), (
            f"{option} is no option of {shlex.join(command)}"
        )


def test_environment_variables_name_settings_of_the_configuration():
    example = yaml.safe_load((ROOT / "worker/config/driftgauge.yaml").read_text())
    names = {key for name in OURS for key in SERVICES[name]["environment"]}
    assert names
    for name in names:
        value = example
        for part in name.removeprefix(PREFIX).lower().split("__"):
            assert part in value, name
            value = value[part]


def test_the_image_is_built_from_files_that_exist_and_reach_the_build():
    sources = [word for line in instructions("COPY") for word in line.split()[:-1]]
    assert sources
    allowed = [
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source in allowed, f".dockerignore keeps {source} out"


def test_the_image_installs_by_hash_and_runs_without_root_as_the_first_process():
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert instructions("USER") == ["10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    # The exec form: a shell in between would keep the signal to itself.
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["driftgauge"]


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)
