"""Records are deleted before they were read: retention was shorter than an outage."""

from __future__ import annotations

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from driftgauge.records import Source
from fault.deployment import Deployment


def delete_records(line: Deployment, before: dict[Source, int]) -> None:
    """All below an offset of each partition."""
    admin = KafkaAdminClient(bootstrap_servers=line.kafka.bootstrap)
    try:
        admin.delete_records({TopicPartition(*source): offset for source, offset in before.items()})
    finally:
        admin.close()
