"""Whether workers are alive, as the consumer group knows it."""

from __future__ import annotations

from typing import Any

from kafka.admin import KafkaAdminClient

from driftgauge.errors import UnavailableError


def members(admin: KafkaAdminClient, group: str) -> list[str]:
    """Where the group's members are; none if it has none, or there is no such group. UnavailableError: not told."""
    described: dict[str, Any] = admin.describe_groups([group])
    error = described[group].get("error")
    if error is not None and "GroupIdNotFound" not in error:
        raise UnavailableError(f"Kafka doesn't tell the members of group {group}: {error}")
    return sorted(str(member["client_host"]).lstrip("/") for member in described[group].get("members", ()))
