"""`profile learn` from a real topic: the profile that `profile build` makes of the same rows, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from driftgauge.sources.profile_file import read_profile
from live import Live, run

COLUMNS = ["--timestamp", "at", "--prediction", "decision", "--score", "score", "--actual", "repaid"]
MODEL = ["--model-id", "loan-approval", "--model-version", "8"]


def write_rows(path: Path, rows: int) -> None:
    """A row every 9 s, some cells empty."""
    rng = np.random.default_rng(3)
    lines = ["at,income,job,urgent,decision,score,repaid"]
    for i in range(rows):
        at = 1_767_225_600 + 9 * i
        job = ("", "salaried", "self_employed", "unemployed")[rng.choice(4, p=(0.05, 0.6, 0.25, 0.1))]
        score = rng.random()
        answers = ("yes" if score > 0.4 else "no", f"{score:.4f}", "yes" if rng.random() < score else "no")
        lines.append(f"{at},{rng.lognormal(10, 0.5):.2f},{job},{'true' if i % 7 else 'false'},{','.join(answers)}")
    path.write_text("\n".join(lines) + "\n")


def unprofiled(line: Live) -> Path:
    """The configuration with version 8, of which there is no profile."""
    settings = json.loads(line.config.read_text())
    settings["models"] = [{"model_id": "loan-approval", "model_version": "8"}]
    path = line.folder / "unprofiled.yaml"
    path.write_text(json.dumps(settings))
    return path


def test_what_was_produced_is_learned_as_it_would_be_built(live, tmp_path):
    line = live(partitions=3)
    config, table = unprofiled(line), tmp_path / "train.csv"
    write_rows(table, 6000)
    run(["produce", "-c", str(config), "--file", str(table), *COLUMNS])
    run(["profile", "build", str(table), *MODEL, *COLUMNS, "--out", str(tmp_path / "built.json")])
    learn = ["profile", "learn", "-c", str(config), *MODEL]
    said = json.loads(run([*learn, "--out", str(tmp_path / "learned.json"), "--json"]).stdout)
    built, learned = read_profile(tmp_path / "built.json"), read_profile(tmp_path / "learned.json")
    assert learned.features == built.features
    assert learned.prediction == built.prediction
    assert learned.offline_metrics == built.offline_metrics
    assert learned.suggested_pane == built.suggested_pane
    assert learned.reference.files == [line.topics["predictions"]]
    assert (said["events"], said["rows"], said["profile"]) == (6000, 6000, learned.content_hash)
    # Nobody's position was moved, and no group was made.
    consumer = KafkaConsumer(bootstrap_servers=line.kafka.bootstrap, group_id=line.group)
    assert consumer.committed(TopicPartition(line.topics["predictions"], 0)) is None
    consumer.close(autocommit=False)
    # A range in event time, thinned, as people see it.
    span = ["--from", "2026-01-01T02:00:00Z", "--to", "2026-01-01T12:00:00Z", "--rows", "1000"]
    shown = run([*learn, *span, "--exclude", "urgent", "--out", f"{tmp_path}/"])
    assert "loan-approval version 8: 1,000 rows of" in shown.stdout
    assert "of 4,000 events 1,000 were taken" in shown.stdout
    assert "urgent" not in shown.stdout
    assert "next: name " in shown.stdout


def test_what_can_not_be_learned_is_said_with_its_way_out(live, tmp_path):
    line = live(partitions=1)
    config = unprofiled(line)
    learn = ["profile", "learn", *MODEL, "--out", str(tmp_path / "p.json"), "-c"]
    assert "no event of loan-approval version 8" in run([*learn, str(config)], expect=2).stderr
    line.produce([b'{"model_id": "churn", "model_version": 3, "timestamp": 1767225600, "features": {"a": 1}}'])
    assert "there are events of churn/3 (1)" in run([*learn, str(config)], expect=2).stderr
    early = run([*learn, str(config), "--from", "2026-01-02", "--to", "2026-01-01"], expect=2)
    assert "--from 2026-01-02 is not before --to 2026-01-01" in early.stderr
    settings = json.loads(config.read_text())
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps(settings | {"topics": settings["topics"] | {"predictions": "nobody.made.it"}}))
    assert "Kafka has no topic nobody.made.it" in run([*learn, str(other)], expect=2).stderr
    assert not (tmp_path / "p.json").exists()
