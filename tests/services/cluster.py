"""Three Kafka nodes on loopback that hold every record twice or thrice, so that one of them may die."""

from __future__ import annotations

from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from services.kafka import START_SECONDS, ExternalKafka
from services.process import LOOPBACK
from services.proxy import ProxiedKafka, Proxy

NODES = 3
REPLICATED = {
    "default.replication.factor": "3",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "share.coordinator.state.topic.replication.factor": "3",
    "min.insync.replicas": "2",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.min.isr": "2",
    # How soon a dead node's partitions have another leader.
    "broker.session.timeout.ms": "2000",
}


class Cluster(ExternalKafka):
    """Topics have three replicas, two of which must have a record before it counts. `nodes` are killed one by one.

    As with `ProxiedKafka`, clients come through proxies, and `direct` goes past them.
    """

    def __init__(self, directory: Path, java: Path, jars: Path) -> None:
        self.nodes: list[ProxiedKafka] = []
        for i in range(1, NODES + 1):
            folder = directory / f"node-{i}"
            folder.mkdir()
            self.nodes.append(ProxiedKafka(folder, java, jars))
        voters = ",".join(f"{i}@{LOOPBACK}:{node.controller_port}" for i, node in enumerate(self.nodes, start=1))
        for i, node in enumerate(self.nodes, start=1):
            node.cluster = self.nodes[0].cluster
            node.configure({"node.id": str(i), "controller.quorum.voters": voters, **REPLICATED})
        self.direct = ",".join(node.direct for node in self.nodes)
        super().__init__(",".join(node.bootstrap for node in self.nodes))

    @property
    def proxies(self) -> list[Proxy]:
        """All there are between it and its clients."""
        return [node.proxy for node in self.nodes]

    def start(self) -> None:
        """All nodes that don't run; wait until each is part of the cluster."""
        for node in self.nodes:
            if not node.data.exists():
                node.format()
        # All at once: the first alone has no majority, and would never be ready.
        for node in self.nodes:
            node.server.start(lambda: True, START_SECONDS)
        for node in self.nodes:
            node.server.wait_until(self._is_whole, START_SECONDS)

    def stop(self) -> None:
        """The end of all, and of the proxies. Not in order: the last ones couldn't leave without a majority."""
        self.kill()
        for proxy in self.proxies:
            proxy.stop()

    def kill(self) -> None:
        """The crash of the whole cluster."""
        for node in self.nodes:
            node.kill()

    def leader(self, topic: str, partition: int = 0) -> ProxiedKafka:
        """The node that a partition of an existing topic is written to."""
        admin = KafkaAdminClient(bootstrap_servers=self._alive())
        try:
            (described,) = admin.describe_topics([topic])
        finally:
            admin.close()
        leaders: dict[int, int] = {p["partition_index"]: p["leader_id"] for p in described["partitions"]}
        return self.nodes[leaders[partition] - 1]

    def _alive(self) -> list[str]:
        return [node.direct for node in self.nodes if node.server.pid is not None]

    def _is_whole(self) -> bool:
        try:
            admin = KafkaAdminClient(bootstrap_servers=self._alive(), bootstrap_timeout_ms=1000)
        except (KafkaError, OSError):
            return False
        try:
            return len(admin.describe_cluster()["brokers"]) == NODES
        except (KafkaError, OSError):
            return False
        finally:
            admin.close()
