"""The benchmark compares like with like: both sides saw the same events and counted the same of them."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import orjson
import pytest

from driftgauge.alerts.stage import DetectStage
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import default_model
from driftgauge.panes.messages import PartialPane
from driftgauge.records import RecordBatch, Source

# bench/ is no package of the worker: `python -m bench` finds it from the project's folder, and so do we.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import checkpoints, detection, live
from bench.__main__ import main
from bench.events import CATEGORIES, NUMERIC, build_reference_profile, events
from bench.handwritten import Monitor, watch_lines

N = 600


def counted_by_driftgauge(profile, lines):
    """Missing and invalid values by numeric feature, categories by feature, over all panes."""
    model = default_model(profile, pane="60s")
    ingest = ingest_of([model], Source("events", 0), decoder_of([model], None))
    batch = RecordBatch(ingest.source, range(len(lines)), [0] * len(lines), lines)
    messages = [*ingest.process(batch).messages, *ingest.finish().messages]
    counts = sum(message.counts for message in messages if isinstance(message, PartialPane))
    return {
        (slot.name, name): int(counts[slot.start + at])
        for slot in model.layout.features
        for at, name in enumerate(slot.spec.cell_names)
    }


@pytest.mark.parametrize("odd", [0.0, 0.3])
def test_both_sides_count_the_same_missing_invalid_and_category_values(odd):

    profile, lines = build_reference_profile(), list(events(N, odd=odd))
    monitor = Monitor(profile)
    watch_lines(lines, monitor)
    ours = counted_by_driftgauge(profile, lines)
    assert monitor.events == N
    assert {w.name: (w.missing, w.invalid) for w in monitor.features} == {
        w.name: (ours[w.name, "missing"], ours[w.name, "invalid"]) for w in monitor.features
    }
    assert {
        (name, value): monitor.categories[name][value] for name, values in CATEGORIES.items() for value in values
    } == {(name, value): ours[name, value] for name, values in CATEGORIES.items() for value in values}
    assert sum(w.invalid for w in monitor.features) > 0 or odd == 0.0


def test_events_are_the_same_for_a_seed_and_as_large_as_said():

    first = list(events(N))
    assert first == list(events(N))
    assert 1150 <= sum(map(len, first)) / N <= 1300
    assert len(orjson.loads(first[0])["features"]) == 51


def test_the_odd_share_is_what_no_strict_reader_takes_or_a_number_as_text():

    odd = 0
    for line in events(N, odd=0.2):
        try:
            features = orjson.loads(line)["features"]
        except orjson.JSONDecodeError:
            odd += 1
        else:
            odd += any(isinstance(features[name], str) for name in NUMERIC)
    assert 0.15 < odd / N < 0.25


def test_a_run_prints_both_sides_the_ratios_last_and_keeps_raw_rows(tmp_path, capsys):

    original = DetectStage.process
    assert main(["--rounds", "2", "--events", str(N), "--only", "files", "--results", str(tmp_path)]) == 0
    assert DetectStage.process is original
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("files ")
    assert "lenient" in lines[-1]
    rows = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    assert [(r["scenario"], r["round"], r["side"]) for r in rows] == [
        (scenario, number, side)
        for scenario in ("files", "lenient")
        for number in (1, 2)
        for side in ("driftgauge", "hand-written")
    ]
    assert {r["outcome"]["counted"] for r in rows} == {N}
    for row in rows:
        parts = sum(stage["wall_us"] for stage in row["stages"].values())
        assert parts == pytest.approx(row["wall_us_per_event"], abs=0.01)


def test_without_services_kafka_is_skipped_with_a_line(monkeypatch, capsys, tmp_path):

    monkeypatch.setattr(live, "missing_services", lambda: "redis-server")
    assert main(["--only", "kafka", "--results", str(tmp_path)]) == 0
    assert "kafka: skipped, redis-server is not installed" in capsys.readouterr().out


def test_both_sides_consume_every_event_of_a_real_broker(kafka, redis_server):

    profile, name = build_reference_profile(), f"bench-{uuid.uuid4().hex[:8]}"
    topic = kafka.create_topic(f"{name}.predictions", live.PARTITIONS, retention_ms=-1)
    live.produce(kafka.bootstrap, topic, events(N))
    at = live.Services(kafka.bootstrap, redis_server.url, topic)
    ours = live.run_ours(at, profile, N, f"{name}-ours")
    loop = live.run_loop(at, profile, N, f"{name}-loop")
    assert ours.outcome["counted"] == loop.outcome["counted"] == N
    assert {"poll", "decode", "count", "checkpoint"} <= set(ours.stages)


def test_detection_is_timed_pane_by_pane_and_in_blocks_with_its_state(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(detection, "FEATURES", 10)
    assert main(["--only", "detect", "--results", str(tmp_path)]) == 0
    rows = [orjson.loads(line) for file in tmp_path.iterdir() for line in file.read_bytes().splitlines()]
    assert [row["fed"] for row in rows] == ["pane by pane", "in blocks"]
    assert all(row["series"] > 50 and row["median_ms"] > 0 and row["state_bytes_per_series"] > 1000 for row in rows)
    assert "aim 50 ms  " in capsys.readouterr().out


def test_checkpoints_are_timed_with_their_bytes_and_what_others_wait(tmp_path, capsys, monkeypatch, redis_server):
    monkeypatch.setattr(checkpoints, "FEATURES", (5, 10))
    monkeypatch.setattr(checkpoints, "_WARM_UP", 30)
    monkeypatch.setattr(checkpoints, "_SAVES", 10)
    assert main(["--only", "checkpoint", "--results", str(tmp_path)]) == 0
    assert "aim 20 ms for 10 features" in capsys.readouterr().out
    small, large = map(orjson.loads, next(tmp_path.glob("*.jsonl")).read_bytes().splitlines())
    assert (small["features"], large["features"]) == (5, 10)
    assert 0 < small["bytes"] < large["bytes"] < large["whole_bytes"]
    assert large["write_p50_ms"] <= large["write_p99_ms"]
    assert large["others_ms"] > 0


def test_workers_are_timed_beside_one_process_and_write_the_same(tmp_path, capsys):
    assert main(["--only", "workers", "--rounds", "1", "--events", "2000", "--results", str(tmp_path)]) == 0
    assert "alerts: the same bytes" in capsys.readouterr().out
    rows = [orjson.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_bytes().splitlines()]
    assert [row["workers"] for row in rows][:2] == [1, 2]
    assert all(row["seconds"] > 0 and row["events"] == 16_000 for row in rows)
