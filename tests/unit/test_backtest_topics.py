"""`backtest -c FILE` over topics that a stand-in for Kafka holds: the same whatever its polls give; honest errors."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driftgauge import cli
from driftgauge.cli.backtest import topics as backtest_topics
from driftgauge.cli.topic_range import TopicRange
from driftgauge.errors import ConfigError, UnavailableError
from driftgauge.records import RecordBatch, Source
from driftgauge.sources.kafka_range import KafkaRange
from driftgauge.sources.profile_file import write_profile
from live import START, loan_events, profile_of

EVENTS, BREAK = 6000, 3000
PREDICTIONS, LABELS = "ml.predictions", "ml.labels"


class Held:
    """A consumer of topics that hold these values; a poll gives up to `size` records of one partition.

    After `polls` polls the broker is gone.
    """

    def __init__(self, topics: dict[str, list[list[bytes]]], *, size: int = 500, polls: int | None = None) -> None:
        self.topics, self.size, self.polls = topics, size, polls
        self.at: dict[Source, int] = {}
        self.flowing: list[Source] = []

    def values(self, source: Source) -> list[bytes]:
        return self.topics[source.topic][source.partition]

    def partitions(self, topic: str) -> int | None:
        return len(self.topics[topic]) if topic in self.topics else None

    def first_offset(self, _source: Source) -> int:
        return 0

    def end_offsets(self, sources: Collection[Source]) -> dict[Source, int]:
        return {source: len(self.values(source)) for source in sources}

    def offset_at(self, source: Source, time: int) -> int:
        return sum(stamp(offset) < time for offset in range(len(self.values(source))))

    def assign(self, *sources: Source) -> None:
        self.flowing = list(sources)

    def seek(self, source: Source, position: int) -> None:
        self.at[source] = position

    def pause(self, source: Source) -> None:
        self.flowing.remove(source)

    def resume(self, source: Source) -> None:
        self.flowing.append(source)

    def position(self, source: Source) -> int:
        return self.at[source]

    def poll(self, _timeout_ms: int) -> list[RecordBatch]:
        if self.polls is not None:
            self.polls -= 1
            if self.polls < 0:
                return []
        for source in list(self.flowing):
            values, first = self.values(source), self.at[source]
            if first < len(values):
                self.flowing.append(self.flowing.pop(0))
                end = self.at[source] = min(first + self.size, len(values))
                offsets = range(first, end)
                stamps = [stamp(offset) for offset in offsets]
                return [
                    RecordBatch(source, offsets, stamps, values[first:end], [None] * len(offsets), [()] * len(offsets))
                ]
        return []


def stamp(offset: int) -> int:
    return START + offset * 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("topics")
    write_profile(profile_of(loan_events(20_000, seed=1)), made / "profile.json")
    return made


@pytest.fixture(scope="module")
def topics() -> dict[str, list[list[bytes]]]:
    events = loan_events(EVENTS, break_at=BREAK)
    labels = [b'{"model_id": "loan-approval", "timestamp": 1767225600, "actual": "repaid"}', b"no event"]
    return {PREDICTIONS: [events[0::3], events[1::3], events[2::3], []], LABELS: [labels]}


def backtest(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: Held,
    *options: str,
    size: int = 400,
    **kafka: Any,
) -> int:
    @contextmanager
    def topic_range(_config: Any, names: list[str]) -> Iterator[TopicRange]:
        yield TopicRange(KafkaRange(held, names, size=size), held)  # type: ignore[arg-type]

    monkeypatch.setattr(backtest_topics, "topic_range", topic_range)
    settings = {
        "kafka": {"bootstrap_servers": ["nobody:9092"], **kafka},
        "topics": {"predictions": PREDICTIONS, "labels": LABELS},
        "redis": {"url": "redis://nobody:6379/0"},
        "panes": {"length": "1m", "out_of_orderness": "5s"},
        "models": [{"model_id": "loan-approval", "model_version": "7", "profile": "profile.json"}],
    }
    (folder / "driftgauge.yaml").write_text(json.dumps(settings))
    arguments = ["-c", str(folder / "driftgauge.yaml"), "--alerts", str(folder / "alerts.jsonl"), *options]
    return cli.load("backtest").main(arguments, standalone_mode=False) or 0


def test_neither_output_nor_alerts_depend_on_what_polls_give(
    folder: Path,
    topics: dict[str, list[list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outs = []
    for size in (7, 300, 10_000):
        assert backtest(folder, monkeypatch, Held(topics, size=size), "--to", "2026-01-01T00:14:00Z") == 0
        outs.append((capsys.readouterr().out, (folder / "alerts.jsonl").read_bytes()))
    assert outs[0] == outs[1] == outs[2]
    assert b'"opened"' in outs[0][1]


def test_labels_close_no_pane_and_are_counted_as_live_counts_them(
    folder: Path,
    topics: dict[str, list[list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    panes = folder / "panes.jsonl"
    assert backtest(folder, monkeypatch, Held(topics), "--panes-out", str(panes), "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["records"], summary["events"], summary["panes"]) == (EVENTS + 2, EVENTS, 20)
    assert summary["rejected"] == {"malformed_json": 1}
    where = {"topic": LABELS, "partition": 0, "offset": 1, "code": "malformed_json"}
    assert [{key: one[key] for key in where} for one in summary["first_rejected"]] == [where]
    gating, *others = map(json.loads, panes.read_bytes().splitlines())
    assert gating["sources"] == [{"topic": PREDICTIONS, "partition": p} for p in range(4)]
    assert {message["source"]["topic"] for message in others} == {PREDICTIONS}


def test_a_broker_that_goes_away_leaves_what_was_found_and_is_an_error(
    folder: Path,
    topics: dict[str, list[list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "alerts.jsonl").write_text("of the run before\n")
    with pytest.raises(UnavailableError, match=r"Kafka gives no more records of ml\.predictions:\d, which has some"):
        backtest(folder, monkeypatch, Held(topics, polls=11), "--json")
    summary = json.loads(capsys.readouterr().out)
    assert not summary["complete"]
    assert summary["stopped"].startswith("Kafka gives no more records")
    assert (folder / "alerts.jsonl").read_text() == "of the run before\n"
    partial = Path(summary["alerts_file"])
    assert json.loads(partial.read_bytes().splitlines()[0])["labels"]["feature"] == "employment_type"
    partial.unlink()


def test_it_begins_where_run_begins(
    folder: Path,
    topics: dict[str, list[list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Every offset is 600 ms of record stamps here.
    backtest(folder, monkeypatch, Held(topics), "--json", start="2026-01-01T00:10:00Z")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["events"], summary["warnings"]) == (EVENTS // 2, [])
    backtest(folder, monkeypatch, Held(topics), "--json", start="latest")
    summary = json.loads(capsys.readouterr().out)
    assert summary["events"] == EVENTS
    assert "kafka.start is latest" in summary["warnings"][0]
    offsets = [o for p in range(4) for o in ("--from-offset", f"{PREDICTIONS}/{p}={1000 if p < 3 else 0}")]
    backtest(folder, monkeypatch, Held(topics), "--json", *offsets, "--from-offset", f"{LABELS}/0=0", start="latest")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["events"], summary["warnings"]) == (EVENTS // 2, [])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("ml.predictions:0=5", "expected TOPIC/PARTITION=N, such as"),
        ("ml.predictions/0=2001", "that partition holds offsets 0 to 1999 now"),
        ("ml.predictions/9=0", r"no such partition of an input topic; there are ml\.predictions:0, ml\.predictions:1"),
    ],
)
def test_an_offset_that_is_not_there_is_refused(
    option: str, message: str, folder: Path, topics: dict[str, list[list[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=message):
        backtest(folder, monkeypatch, Held(topics), "--from-offset", option)
