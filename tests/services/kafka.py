"""The tests' Kafka: one KRaft node on loopback, straight from Apache Kafka's jars; or a broker that runs already."""

from __future__ import annotations

import base64
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from services.process import LOOPBACK, Server, free_port

START_SECONDS = 180.0
# Small heap, quick start: a test broker lives for minutes and holds megabytes.
JVM = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Members join at once, and a dead one is noticed after a second: rebalances are what is tested, not waited for.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# After a crash the node waits until its former self is declared dead.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
num.network.threads=1
num.io.threads=2
num.replica.fetchers=1
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.retention.check.interval.ms=2000
"""


class Kafka(Protocol):
    """What the `kafka` fixture gives. `bootstrap` is `host:port`."""

    bootstrap: str

    def create_topic(self, name: str, partitions: int = 1, **configs: object) -> str:
        """Create a topic and return its name; `retention_ms=-1` sets `retention.ms`."""

    def start(self) -> None:
        """Start again what was stopped or killed, on the same port with the same data; wait until it answers."""

    def stop(self) -> None:
        """A controlled shutdown."""

    def kill(self) -> None:
        """A crash."""


class ExternalKafka:
    """A broker that DRIFTGAUGE_TEST_KAFKA names: used, never stopped."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def create_topic(self, name: str, partitions: int = 1, **configs: object) -> str:
        """See `Kafka`."""
        settings = {key.replace("_", "."): str(value) for key, value in configs.items()}
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": settings}})
        finally:
            admin.close()
        return name

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """Refused: others may use it."""
        raise RuntimeError("a broker given by DRIFTGAUGE_TEST_KAFKA is not stopped by tests")

    def kill(self) -> None:
        """Refused, as `stop`."""
        self.stop()


class LocalKafka(ExternalKafka):
    """A broker of our own, with its data in `directory`."""

    def __init__(self, directory: Path, java: Path, jars: Path) -> None:
        port, controller_port = free_port(), free_port()
        super().__init__(f"{LOOPBACK}:{port}")
        self.controller_port = controller_port
        self.data = directory / "data"
        properties = directory / "kafka.properties"
        properties.write_text(
            PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port, data=self.data)
        )
        self.java = [str(java), *JVM, "-cp", f"{jars}/*"]
        self.properties = properties
        # A UUID in base64 without padding, which may begin with a dash.
        self.cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.server = Server([*self.java, "kafka.Kafka", str(properties)], directory / "kafka.log")

    def configure(self, settings: Mapping[str, str]) -> None:
        """Broker properties to add or to replace, before the first start."""
        present = dict(line.split("=", 1) for line in self.properties.read_text().splitlines() if "=" in line)
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in (present | dict(settings)).items()))

    def start(self) -> None:
        """See `Kafka`; the first start formats the data folder."""
        if not self.data.exists():
            self.format()
        self.server.start(self.answers, START_SECONDS)

    def stop(self) -> None:
        """See `Kafka`."""
        self.server.stop()

    def kill(self) -> None:
        """See `Kafka`."""
        self.server.kill()

    def format(self, options: Iterable[str] = ()) -> None:
        """Give the data folder its cluster id."""
        command = [
            *self.java,
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={self.cluster}",
            "-c",
            str(self.properties),
            *options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"Kafka's data folder could not be made:\n{done.stdout}{done.stderr}")

    def answers(self) -> bool:
        """Whether the broker is part of its cluster. Its port opens before the controller is ready, so ask the API."""
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=1000)
        except (KafkaError, OSError):
            return False
        try:
            return len(admin.describe_cluster()["brokers"]) == 1
        except (KafkaError, OSError):
            return False
        finally:
            admin.close()
