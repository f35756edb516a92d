"""The services the other integration tests stand on do what those tests take for granted."""

from __future__ import annotations

import uuid

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.structs import TopicPartition

from live import PATIENCE_S
from services.kafka import Kafka, LocalKafka
from services.process import Server
from services.redis import LocalRedis, RedisServer


@pytest.fixture
def topic(kafka: Kafka) -> str:
    return kafka.create_topic(f"services-{uuid.uuid4().hex}", partitions=3, retention_ms=-1)


def test_a_topic_has_the_partitions_and_settings_it_was_created_with(kafka, topic):
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        (described,) = admin.describe_topics([topic])
        settings = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        admin.close()
    assert len(described["partitions"]) == 3
    assert settings["topic"][topic]["retention.ms"]["value"] == "-1"


@pytest.mark.parametrize("codec", [None, "gzip", "lz4", "zstd", "snappy"])
def test_records_of_every_compression_come_back_in_order(kafka, topic, codec):
    values = [f"{codec}-{i}".encode() * 50 for i in range(200)]
    produce(kafka, topic, values, codec)
    assert consume(kafka, topic, len(values)) == values


def test_records_survive_a_crash_of_the_broker(kafka, topic):
    if not isinstance(kafka, LocalKafka):
        pytest.skip("the broker is not ours to kill")
    produce(kafka, topic, [b"before"])
    kafka.kill()
    kafka.start()
    produce(kafka, topic, [b"after"])
    assert consume(kafka, topic, 2) == [b"before", b"after"]


def test_redis_evicts_nothing_and_runs_scripts(redis_server):
    client = redis.Redis.from_url(redis_server.url)
    try:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.eval("return ARGV[1] + 1", 0, "41") == 42
    finally:
        client.close()


def test_redis_is_empty_after_a_crash(redis_server: RedisServer):
    if not isinstance(redis_server, LocalRedis):
        pytest.skip("the server is not ours to kill")
    client = redis.Redis.from_url(redis_server.url)
    try:
        client.set("services:key", "value")
        redis_server.kill()
        redis_server.start()
        assert client.get("services:key") is None
    finally:
        client.close()


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path):
    server = Server(["sh", "-c", "echo port is taken; exit 3"], tmp_path / "log")
    with pytest.raises(RuntimeError, match=r"ended with 3:\nport is taken"):
        server.start(lambda: False, timeout=10)


def test_a_server_that_never_answers_is_killed_and_reported(tmp_path):
    server = Server(["sleep", "60"], tmp_path / "log")
    with pytest.raises(RuntimeError, match="not ready after 0 s"):
        server.start(lambda: False, timeout=0.2)
    assert server.pid is None


def produce(kafka: Kafka, topic: str, values: list[bytes], codec: str | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, compression_type=codec, linger_ms=20)
    try:
        sent = [producer.send(topic, value, partition=0) for value in values]
        for future in sent:
            future.get(timeout=PATIENCE_S)
    finally:
        producer.close()


def consume(kafka: Kafka, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=None, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        values: list[bytes] = []
        for _ in range(400):
            for records in consumer.poll(timeout_ms=300).values():
                values += [record.value for record in records]
            if len(values) >= count:
                break
        return values
    finally:
        consumer.close()
