"""`topics create` on a real Kafka: it makes what is missing, leaves the rest alone, and says what differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from driftgauge.config import Config
from driftgauge.errors import ConfigError
from driftgauge.runtime.topics import admin_client, require_existing, require_topics
from live import PATIENCE_S
from services.kafka import Kafka
from services.process import free_port


@pytest.fixture
def names() -> dict[str, str]:
    run = uuid.uuid4().hex[:8]
    return {kind: f"{kind}.{run}" for kind in ("predictions", "panes", "alerts", "dead_letters")}


def settings(bootstrap: str, names: dict[str, str], **panes: object) -> dict[str, object]:
    return {
        "kafka": {"bootstrap_servers": [bootstrap]},
        "topics": names,
        "panes": panes,
        "models": [{"model_id": "m", "model_version": "1", "profile": "profile.json"}],
    }


def create(folder: Path, content: dict[str, object], *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "profile.json").write_text("{}")
    file = folder / "driftgauge.yaml"
    file.write_text(json.dumps(content))
    command = [sys.executable, "-m", "driftgauge", "topics", "create", "-c", str(file), "--json", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=PATIENCE_S)


def test_missing_topics_are_made_and_a_second_run_changes_nothing(kafka: Kafka, names, tmp_path: Path) -> None:
    content = settings(kafka.bootstrap, names, partitions=3)
    first = create(tmp_path, content, "--partitions", "2", "--replication", "1")
    assert first.returncode == 0, first.stderr
    made = {row["purpose"]: row for row in json.loads(first.stdout)}
    assert all(row["created"] for row in made.values())
    assert {purpose: row["partitions"] for purpose, row in made.items()} == {
        "predictions": 2,
        "panes": 3,
        "alerts": 1,
        "dead_letters": 1,
    }
    second = json.loads(create(tmp_path, content).stdout)
    assert [(row["created"], row["differences"]) for row in second] == [(False, [])] * 4
    with admin_client(Config.model_validate(content)) as admin:
        assert require_topics(admin, Config.model_validate(content))[names["panes"]] == 3


def test_differences_are_reported_and_left_alone(kafka: Kafka, names, tmp_path: Path) -> None:
    kafka.create_topic(names["alerts"], partitions=2, cleanup_policy="compact")
    done = create(tmp_path, settings(kafka.bootstrap, names))
    assert done.returncode == 0, done.stderr
    rows = {row["purpose"]: row for row in json.loads(done.stdout)}
    assert rows["alerts"]["differences"] == [
        "2 partitions instead of 1",
        "cleanup.policy is compact instead of delete",
        "message.timestamp.type is CreateTime instead of LogAppendTime",
    ]


def test_another_partition_count_of_the_panes_topic_is_refused_with_the_way_out(
    kafka: Kafka, names, tmp_path: Path
) -> None:
    kafka.create_topic(names["panes"], partitions=2)
    content = settings(kafka.bootstrap, names, partitions=4)
    done = create(tmp_path, content)
    assert done.returncode == 2
    assert f"the topic {names['panes']} has 2 partitions, but panes.partitions is 4; set" in done.stderr
    with admin_client(Config.model_validate(content)) as admin, pytest.raises(ConfigError, match="has 2 partitions"):
        require_topics(admin, Config.model_validate(content))


def test_a_missing_topic_is_named_with_the_command_that_makes_it(kafka: Kafka, names) -> None:
    config = Config.model_validate(settings(kafka.bootstrap, names))
    with admin_client(config) as admin, pytest.raises(ConfigError, match=f"{names['panes']}.*topics create"):
        require_topics(admin, config)


def test_who_only_writes_events_needs_no_other_topic(kafka: Kafka, names) -> None:
    config = Config.model_validate(settings(kafka.bootstrap, names))
    kafka.create_topic(names["predictions"], partitions=2)
    with admin_client(config) as admin:
        assert require_existing(admin, config, [names["predictions"]]) == {names["predictions"]: 2}
        with pytest.raises(ConfigError, match=f"no topic {names['alerts']}; make what is missing"):
            require_existing(admin, config, [names["alerts"]])


def test_no_broker_is_one_clear_line_and_exit_one(names, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = create(tmp_path, settings(address, names))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: Kafka at {address} did not answer")
    assert done.stderr.count("\n") == 1
