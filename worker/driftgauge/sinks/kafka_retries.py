"""Why Kafka has not taken records yet.

kafka-python's producer tries again by itself and tells the reason in its log only: it is read there.
"""

from __future__ import annotations

import logging

from kafka import TopicPartition

_LOGGER = "kafka.producer.sender"
_MEANS = {
    "NotEnoughReplicasError": "fewer replicas are in sync than min.insync.replicas asks for",
    "NotEnoughReplicasAfterAppendError": "fewer replicas are in sync than min.insync.replicas asks for",
    "UnknownTopicOrPartitionError": "there is no such topic or partition",
    "NotLeaderForPartitionError": "another broker leads the partition, or none",
    "LeaderNotAvailableError": "no broker leads the partition",
    "KafkaConnectionError": "its broker can't be reached",
    "RequestTimedOutError": "its broker didn't answer in time",
    "KafkaTimeoutError": "its broker didn't answer in time",
}


class Retries(logging.Filter):
    """The last reason for which records of each topic were sent again, between `listen` and `stop`."""

    def __init__(self) -> None:
        """Nothing heard."""
        super().__init__()
        self._said: dict[str, str] = {}

    def listen(self) -> None:
        """From now on."""
        logging.getLogger(_LOGGER).addFilter(self)

    def stop(self) -> None:
        """Not any more."""
        logging.getLogger(_LOGGER).removeFilter(self)

    def forget(self) -> None:
        """All was taken."""
        self._said.clear()

    def reason(self, topic: str) -> str | None:
        """Name of the error, and what it means; None if Kafka has said nothing."""
        name = self._said.get(topic)
        return f"{name}: {_MEANS[name]}" if name in _MEANS else name

    def filter(self, record: logging.LogRecord) -> bool:
        """Takes note of a line that names a partition and an error; every line goes on."""
        told = record.args if isinstance(record.args, tuple) else ()
        partition = next((one for one in told if isinstance(one, TopicPartition)), None)
        error = next((one for one in told if isinstance(one, str) and one.endswith("Error")), None)
        if partition is not None and error is not None:
            self._said[partition.topic] = error
        return True
