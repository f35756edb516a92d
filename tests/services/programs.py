"""Where the programs behind the test services are: on the machine, else in the git-ignored `.services` folder.

`install.py` puts there what is missing, the fixtures only look. Nothing here installs or starts a service.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRIVATE = HERE.parents[1] / ".services"
POM = HERE / "pom.xml"
JARS = PRIVATE / "kafka"
JAVA_MINIMUM = 17


class NotInstalledError(RuntimeError):
    """A program that a test is to start is not on this machine."""


def broker() -> tuple[Path, Path]:
    """A Java for Kafka and the folder of the broker's jars; NotInstalledError if there is none of either."""
    runtime, jars = java(), kafka_jars()
    if runtime is None or jars is None:
        raise NotInstalledError(
            f"Kafka (Java {JAVA_MINIMUM} and the broker's jars) is not installed: run `make services`"
        )
    return runtime, jars


def redis() -> Path:
    """A redis-server; NotInstalledError if there is none."""
    program = redis_server()
    if program is None:
        raise NotInstalledError("redis-server is not installed: run `make services`")
    return program


def java() -> Path | None:
    """A Java that Kafka 4 runs on (17 or newer): JAVA_HOME's, the PATH's, the private one."""
    home = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    candidates = [Path(home) / "bin" / "java"] if home else []
    candidates += [Path(on_path)] if on_path else []
    candidates += sorted(PRIVATE.glob("java/*/java-runtime/bin/java"))
    return next((path for path in candidates if path.exists() and java_version(path) >= JAVA_MINIMUM), None)


def java_version(path: Path) -> int:
    """The feature version, 0 if it does not run. Java 8 and older call themselves 1.8 and give 1."""
    try:
        answer = subprocess.run([str(path), "-version"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def redis_server() -> Path | None:
    """A redis-server on the PATH, else one from a wheel in the private folder (Valkey counts: same protocol)."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    wheels = PRIVATE / "redis"
    return next((path for name in ("redis-server", "valkey-server") for path in sorted(wheels.rglob(name))), None)


def kafka_jars() -> Path | None:
    """The folder of the broker's jars, if it is complete and of the present pom."""
    stamp = JARS / "pom.sha256"
    return JARS if stamp.exists() and stamp.read_text() == pom_digest() else None


def pom_digest() -> str:
    """Names the set of jars: another pom means other jars."""
    return hashlib.sha256(POM.read_bytes()).hexdigest()
