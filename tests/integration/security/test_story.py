"""The loan story over TLS, told by principals that may do what docs/security.md lists and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import structlog
from kafka import KafkaConsumer

from driftgauge.app import build_worker
from driftgauge.config_file import load_with_profiles
from driftgauge.errors import UnavailableError
from driftgauge.runtime.kafka_clients import reader_settings
from driftgauge.sources.profile_file import read_profile
from live import PATIENCE_S, Live, ids, run, wait
from secured_config import PASSWORDS, REDIS_PASSWORD, leaked, permissions

PRINCIPALS = {
    "creator": "topics create",
    "worker": "worker (run)",
    "producer": "produce",
    "subscriber": "a subscriber of alerts",
}


class SecuredLive(Live):
    """A deployment on the secured servers; `config_of` a principal is a file of its own."""

    def __init__(self, secured, secured_redis, folder: Path, profile) -> None:
        (folder / "redis-password").write_text(f"{REDIS_PASSWORD}\n")
        for name, password in PASSWORDS.items():
            (folder / f"{name}-password").write_text(f"{password}\n")
        self.ca = str(secured.authority.ca)
        redis = {"url": secured_redis.url, "namespace": "driftgauge", "username": "driftgauge"}
        super().__init__(
            secured,
            secured_redis,
            folder,
            profile,
            kafka={"bootstrap_servers": [secured.listeners["sasl"]]},
            redis=redis | {"password_file": "redis-password", "ca_file": self.ca},
            logging={"level": "debug"},
        )

    def create_topics(self) -> None:
        self.names = {f"topics.{kind}": name for kind, name in self.topics.items()}
        self.names |= {"kafka.group_id": self.group, "its own": f"own-{self.group}"}
        for name, row in PRINCIPALS.items():
            self.kafka.permit(name, permissions(row, self.names))
        done = run(["topics", "create", "-c", str(self.config_of("creator")), "--partitions", str(self.partitions)])
        assert all(name in done.stdout for name in self.topics.values())

    def config_of(self, principal: str, **security: str) -> Path:
        settings = json.loads(self.config.read_text())
        settings["kafka"]["security"] = {
            "protocol": "SASL_SSL",
            "ca_file": self.ca,
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": principal,
            "password_file": f"{principal}-password",
        } | security
        file = self.folder / f"{principal}.yaml"
        file.write_text(json.dumps(settings))
        return file


@pytest.fixture
def line(secured, secured_redis, tmp_path: Path, profile):
    deployment = SecuredLive(secured, secured_redis, tmp_path, profile)
    yield deployment
    deployment.stop()


def test_the_story_is_told_with_the_permissions_of_the_page(line, story, expected) -> None:
    worker = line.start(config=line.config_of("worker"))
    events = line.folder / "story.jsonl"
    events.write_bytes(b"\n".join([*story, b""]))
    run(["produce", "-c", str(line.config_of("producer")), "--file", str(events)])
    line.wait_for_alerts(lambda found: len(ids(found)) >= len(expected))
    assert worker.terminate() == 0
    received = subscribed(line, len(expected))
    assert set(ids(received)) == set(ids(expected))
    assert not leaked(worker.log.read_text())
    for missing in permissions(PRINCIPALS["worker"], line.names):
        said = refused_without(line, missing)
        assert missing[1] in said, (missing, said)
        assert "docs/security.md" in said


def refused_without(line: SecuredLive, missing: tuple[str, str, str]) -> str:
    """What a worker says that has all permissions but one."""
    line.kafka.forbid("stranger")
    others = [rule for rule in permissions(PRINCIPALS["worker"], line.names) if rule != missing]
    line.kafka.permit("stranger", others)
    config, profiles = load_with_profiles(line.config_of("stranger"), {}, read_profile)
    end = time.monotonic() + PATIENCE_S
    with pytest.raises(UnavailableError) as caught:
        build_worker(config, profiles, structlog.get_logger()).run(lambda: time.monotonic() > end)
    return str(caught.value)


def subscribed(line: SecuredLive, count: int) -> list[dict]:
    """The alerts as a subscriber gets them."""
    settings = reader_settings(load_with_profiles(line.config_of("subscriber"), {}, read_profile).config)
    settings |= {"group_id": line.names["its own"], "auto_offset_reset": "earliest"}
    consumer = KafkaConsumer(line.topics["alerts"], **settings)
    found: list[dict] = []
    try:

        def more() -> list[dict]:
            for records in consumer.poll(timeout_ms=500).values():
                found.extend(json.loads(record.value) for record in records)
            return found

        return wait(more, lambda alerts: len(ids(alerts)) >= count)
    finally:
        consumer.close(autocommit=False)
