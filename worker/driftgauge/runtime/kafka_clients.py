"""Keyword arguments for kafka-python's clients from the configuration: one place for safety settings and secrets.

Consumers never commit or reset on their own, and read committed records only; producers are idempotent and wait for
all replicas. Passwords are given as functions that read them (`kafka_sasl`).
"""

from __future__ import annotations

from typing import Any

from driftgauge.config import Config
from driftgauge.config_secrets import secret_reader
from driftgauge.runtime.kafka_sasl import sasl_settings

# Kafka's default for the largest record a topic takes (message.max.bytes).
BROKER_RECORD_BYTES = 1_048_588
# Key, headers and the batch around a record of ours.
RECORD_OVERHEAD = 10_000
_FETCH_BYTES = 4 << 20
# A fetch of each partition that is paused waits in the consumer.
_FETCHED_BYTES = 256 << 20
_TURN_RECORDS = 5_000
_HEARTBEAT_MS = 1_000
_READING: dict[str, Any] = {
    "enable_auto_commit": False,
    # A silent reset is how records are lost: an unknown position must raise.
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "allow_auto_create_topics": False,
    # kafka-python's own metrics: nobody reads them.
    "metrics_enabled": False,
    # Large polls, because columns are made and counted per batch; a response for eight partitions is still below
    # the size from which the allocator takes fresh pages for every buffer.
    "max_poll_records": 20_000,
    "max_partition_fetch_bytes": _FETCH_BYTES,
}


def dead_letter_bytes(config: Config) -> int:
    """Largest dead letter: a record as large as inputs may be, and its headers, with room to spare."""
    return 2 * max(config.limits.max_record_bytes, BROKER_RECORD_BYTES)


def connection_settings(config: Config) -> dict[str, Any]:
    """What every client needs: servers, TLS and SASL. kafka-python reads certificates again at each connection."""
    security = config.kafka.security
    return {
        "bootstrap_servers": list(config.kafka.bootstrap_servers),
        "client_id": "driftgauge",
        "security_protocol": security.protocol,
        "ssl_cafile": security.ca_file,
        "ssl_certfile": security.cert_file,
        "ssl_keyfile": security.key_file,
        # Without any password OpenSSL would ask for one at the terminal.
        "ssl_password": secret_reader(security, "key_password") or "",
        **sasl_settings(security),
    }


def reader_settings(config: Config) -> dict[str, Any]:
    """A consumer outside the group, for what is on a topic now: it commits nothing and nobody waits for it."""
    return connection_settings(config) | {"group_id": None, **_READING}


def turn_records(config: Config, partitions: int) -> int:
    """How many records of a partition are taken at a time where so many are read side by side (`KafkaTurns`).

    Of each three times as many may wait, in the process that reads all of them or those that share them.
    """
    return max(1, min(_TURN_RECORDS, config.limits.replay_records // (3 * max(partitions, 1))))


def range_settings(config: Config, partitions: int) -> dict[str, Any]:
    """A reader of many partitions in turns: what waits of those whose turn hasn't come stays within a limit."""
    return reader_settings(config) | {
        "max_poll_records": turn_records(config, partitions),
        "max_partition_fetch_bytes": min(_FETCH_BYTES, _FETCHED_BYTES // max(partitions, 1)),
    }


def consumer_settings(config: Config) -> dict[str, Any]:
    """A member of the group."""
    return connection_settings(config) | {
        "group_id": config.kafka.group_id,
        "group_instance_id": config.kafka.group_instance_id,
        "session_timeout_ms": config.kafka.session_timeout,
        # By its answer a member hears of a rebalance, which waits for the slowest of them.
        "heartbeat_interval_ms": min(config.kafka.session_timeout // 10, _HEARTBEAT_MS),
        "metadata_max_age_ms": config.kafka.metadata_max_age,
        **_READING,
    }


def producer_settings(config: Config) -> dict[str, Any]:
    """Panes, alerts, dead letters and produced events."""
    limits = config.limits
    return connection_settings(config) | {
        "enable_idempotence": True,
        "acks": "all",
        "allow_auto_create_topics": False,
        # Longer than the worker waits before it gives up: a broker that is away costs time, never a record.
        "delivery_timeout_ms": config.outputs.give_up_after + 60_000,
        # A topic that is gone is told of soon; the worker waits for it in its own way.
        "max_block_ms": 5_000,
        # A checkpoint waits for it.
        "linger_ms": 5,
        "batch_size": 256 << 10,
        "max_request_size": max(
            dead_letter_bytes(config),
            limits.max_alert_bytes + RECORD_OVERHEAD,
            limits.max_pane_bytes + RECORD_OVERHEAD,
        ),
    }


def admin_settings(config: Config, *, timeout_ms: int = 15_000) -> dict[str, Any]:
    """Topic creation and look-ups; gives up reaching a broker after `timeout_ms`."""
    return connection_settings(config) | {"bootstrap_timeout_ms": timeout_ms, "request_timeout_ms": 15_000}
