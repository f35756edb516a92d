"""One connection to Kafka before all others, to see whether it would be refused.

kafka-python's clients try again for as long as they are given, whatever the reason, and tell it in their log only. A
wrong password or certificate is known after the first attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailedError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from driftgauge.errors import UnavailableError
from driftgauge.kafka_refusals import refusal_of

_TIMEOUT_MS = 5000
# kafka-python often misses a broker's last words, when it closes the connection right after them.
_ATTEMPTS = 3


def knock(settings: Mapping[str, Any]) -> str | None:
    """UnavailableError if every broker named in `settings` (of a client) that can be reached refuses us, with the fix.

    Where there was none to be reached, what the last of them said: the clients wait for them. Without TLS and SASL
    nobody is refused, and nobody is asked.
    """
    if settings["security_protocol"] == "PLAINTEXT":
        return None
    failures = []
    for index in range(len(settings["bootstrap_servers"])):
        failure = _attempt(settings, index)
        if failure is None:
            return None
        failures.append(failure)
    refusal = next((text for text in map(refusal_of, failures) if text is not None), None)
    if refusal is not None:
        raise UnavailableError(refusal)
    return str(failures[-1])


def _attempt(settings: Mapping[str, Any], index: int) -> Exception | None:
    """What went wrong with the connection to a broker of the list."""
    for _ in range(_ATTEMPTS):
        failure, answered = _connect(settings, index)
        # Otherwise it has answered before, so that it is there and lets us in no further.
        if not (answered and _closed(failure) and settings["security_protocol"].startswith("SASL_")):
            return failure
    refused: Exception = SaslAuthenticationFailedError("it closes the connection")
    return refused


def _closed(failure: Exception | None) -> bool:
    return isinstance(failure, KafkaConnectionError)


def _connect(settings: Mapping[str, Any], index: int) -> tuple[Exception | None, bool]:
    """What went wrong, and whether the broker had answered anything before."""
    net = NetworkSelector()
    manager = KafkaConnectionManager(net, **settings)
    try:
        node = manager.cluster.bootstrap_brokers()[index].node_id
        connection = manager.get_connection(
            node, timeout_ms=_TIMEOUT_MS, pop_on_close=False, refresh_metadata_on_err=False
        )
        try:
            net.run(_initialized, connection)
        except (KafkaError, OSError) as error:
            return error, connection.broker_version_data is not None
        return None, True
    finally:
        manager.close()
        net.close()


async def _initialized(connection: Any) -> None:
    await connection
