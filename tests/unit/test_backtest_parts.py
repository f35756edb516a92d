"""What backtest and demo are put together from: the alerts' file, episodes, the choice of a model."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from driftgauge.alerts.event import AlertEvent
from driftgauge.cli.alert_view import Episodes
from driftgauge.cli.model_option import chosen_model
from driftgauge.errors import ConfigError
from driftgauge.sinks.jsonl import JsonLinesFile


def event(kind: str, severity: str, after: float, **detail: Any) -> AlertEvent:
    return AlertEvent.model_validate(
        {
            "event_id": "0f6c0000-0000-5000-8000-000000000000",
            "event": kind,
            "status": "resolved" if kind == "resolved" else "firing",
            "fingerprint": "d0c169304da698e4",
            "labels": {
                "alertname": "DataQuality",
                "severity": severity,
                "model_id": "m",
                "model_version": "1",
                "feature": "job",
                "series": "missing",
            },
            "annotations": {"summary": f"to {after}", "description": ""},
            "startsAt": "2026-03-15T10:04:00Z",
            "endsAt": "2026-03-15T10:04:00Z",
            "updatedAt": "2026-03-15T12:00:00Z",
            "detail": {
                "detectors": [],
                "direction": "up",
                "from": 0.0,
                "to": after,
                "effect": after,
                "change_point": dict.fromkeys(("at", "earliest", "latest"), "2026-03-15T10:03:00Z"),
                "n_before": 1,
                "n_after": 1,
                "profile": "sha256:" + "0" * 64,
                "cells": [],
                **detail,
            },
            "source": {"topic": "t", "offsets": {}},
            "run": {"mode": "backtest", "run_id": "r"},
        }
    )


def test_an_episode_is_shown_at_its_worst_until_it_is_resolved() -> None:
    episodes = Episodes()
    episodes.add(event("opened", "warning", 0.1))
    episodes.add(event("resolved", "warning", 0.3, superseded_by="critical"))
    episodes.add(event("escalated", "critical", 0.3))
    episodes.add(event("repeat", "critical", 0.9))
    episodes.add(event("repeat", "critical", 0.2))
    (episode,) = episodes.all()
    assert (episode.severity, episode.summary, episode.after, episode.resolved) == ("critical", "to 0.9", 0.9, None)
    episodes.add(event("resolved", "critical", 0.0))
    assert episodes.all()[0].resolved == "2026-03-15T12:00:00Z"
    assert (episodes.by_severity(), episodes.by_feature()) == ({"critical": 1}, {"job": 1})
    assert episodes.events == {"opened": 1, "escalated": 1, "repeat": 2, "resolved": 2}


def test_a_file_takes_its_place_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text("old\n")
    with JsonLinesFile(path) as file:
        file.write(b"{}")
        assert path.read_text() == "old\n"
        file.complete()
    assert path.read_text() == "{}\n"
    assert not file.partial.exists()


@pytest.mark.parametrize("lines", [[], [b"{}"]])
def test_what_was_written_before_a_failure_stays_and_an_empty_file_goes(tmp_path: Path, lines: list[bytes]) -> None:
    file = JsonLinesFile(tmp_path / "alerts.jsonl")
    with contextlib.suppress(KeyboardInterrupt), file:
        for line in lines:
            file.write(line)
        raise KeyboardInterrupt
    assert not (tmp_path / "alerts.jsonl").exists()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [line + b"\n" for line in lines]


def test_a_device_is_written_and_not_replaced() -> None:
    null = Path("/dev/null")
    with JsonLinesFile(null) as file:
        file.write(b"{}")
        file.complete()
    assert null.is_char_device()


def test_a_model_is_chosen_by_its_name_and_a_doubt_is_an_error() -> None:
    names = ["loans/1", "loans/2", "fraud/1"]
    assert chosen_model(["loans/1"], None) == "loans/1"
    assert chosen_model(names, "loans/2") == "loans/2"
    assert chosen_model(names, "fraud") == names[2]
    for wanted in (None, "loans", "absent"):
        with pytest.raises(ConfigError, match="--model"):
            chosen_model(names, wanted)
