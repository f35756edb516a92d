"""The loan story and a deployment to tell it through, for all tests on a real Kafka and a real Redis."""

from __future__ import annotations

import json

import pytest

from driftgauge.alerts.event import Run
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.profiles.profile import Profile
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from live import Live, loan_events, profile_of

MINUTE = 60_000
EVENTS, BREAK = 24_000, 15_000  # 80 minutes at 5 a second; the break is at 00:50


@pytest.fixture(scope="session")
def profile() -> Profile:
    return profile_of(loan_events(20_000, seed=1))


@pytest.fixture(scope="session")
def story() -> list[bytes]:
    return loan_events(EVENTS, break_at=BREAK)


@pytest.fixture(scope="session")
def expected(profile, story) -> list[dict]:
    """The same records as a file: what every live run has to give."""
    settings = EngineSettings.of(PanesConfig(out_of_orderness="5s"), AlertsConfig(), LimitsConfig(), {})
    models = [model_of(profile, settings, pane_length=MINUTE, budget=1.0)]
    source = Source("story.jsonl", 0)
    batch = RecordBatch(source, range(len(story)), [0] * len(story), story)
    stage = stage_of(models)
    render = renderer_of(models, Run(mode="backtest", run_id="test"))
    ingest = ingest_of(models, source, decoder_of(models, None))
    raised = [r for step in replay([ReplaySource(ingest, [batch])], stage, ReplayTotals()) for r in step]
    return [json.loads(render(r).to_json()) for r in raised]


@pytest.fixture
def live(kafka, redis_server, tmp_path, profile):
    made = []

    def make(**options) -> Live:
        made.append(Live(kafka, redis_server, tmp_path, profile, **options))
        return made[-1]

    yield make
    for deployment in made:
        deployment.stop()
