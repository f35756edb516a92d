"""The input topic gets more partitions while workers run."""

from __future__ import annotations

from kafka.admin import KafkaAdminClient

from fault.deployment import Deployment


def add_partitions(line: Deployment, count: int) -> None:
    """`count` in all; from then on the load goes to the new ones too."""
    admin = KafkaAdminClient(bootstrap_servers=line.kafka.bootstrap)
    try:
        admin.create_partitions({line.topics["predictions"]: count})
    finally:
        admin.close()
    line.partitions = count
    # Its metadata is from before.
    line.log.close()
