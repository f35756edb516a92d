"""Redacted features: alerts, texts and `check` hold none of their values and categories, and are the same otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from driftgauge import config_file
from driftgauge.alerts.event import Run
from driftgauge.cli.smallest_changes import as_json, smallest_changes
from driftgauge.config import AlertsConfig, Config, LimitsConfig, PanesConfig
from driftgauge.detect.events.chosen import misfits
from driftgauge.engine.detect import stage_of
from driftgauge.engine.ingest import decoder_of, ingest_of
from driftgauge.engine.profiled import model_of
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import ConfigError
from driftgauge.profiles.layout import Layout
from driftgauge.records import RecordBatch, Source
from driftgauge.replay.replay import ReplayTotals, replay
from driftgauge.replay.turn import ReplaySource
from live import START, loan_events, profile_of

DISEASES = ["influenza", "measles", "scurvy", "gout"]
SECRET = re.compile("|".join(DISEASES) + r"|\d{8,}\.|\d+(\.\d+)?e\+\d+|,\d{3},\d{3},|Infinity")
REDACTED = ["employment_type", "income"]


def events(count: int, *, seed: int, drifted: bool = False) -> list[bytes]:
    """One a second. Incomes are of billions, so that no other number of an alert looks like one."""
    rng = np.random.default_rng(seed)
    late = count // 2 if drifted else count
    weights = [0.5, 0.3, 0.15, 0.05]
    made = []
    for i in range(count):
        shift = (2.5e9 if i % 50 else 9e10) if i >= late else 0.0
        share = weights[::-1] if i >= late else weights
        features = {
            "employment_type": DISEASES[rng.choice(4, p=share)] if i < late or i % 25 else "cholera",
            "income": 5e9 + shift + float(rng.normal(0, 1e9)),
        }
        rejected = rng.random() < (0.6 if i >= late else 0.2)
        made.append(
            json.dumps(
                {
                    "event_type": "prediction",
                    "model_id": "loan-approval",
                    "model_version": "7",
                    "timestamp": START + i * 1000,
                    "features": features,
                    "prediction": "rejected" if rejected else "approved",
                }
            ).encode()
        )
    return made


@pytest.fixture(scope="module")
def profile():
    return profile_of(events(20_000, seed=1))


@pytest.fixture(scope="module")
def told(profile):
    """The alerts of the same events without and with redaction."""
    settings = EngineSettings.of(PanesConfig(out_of_orderness="5s"), AlertsConfig(), LimitsConfig(), {})
    source, log = Source("events.jsonl", 0), events(14_400, seed=2, drifted=True)

    def alerts(redacted: list[str]) -> list[dict]:
        models = [model_of(profile, settings, pane_length=60_000, budget=1.0, redacted=redacted)]
        batch = RecordBatch(source, range(len(log)), [0] * len(log), log)
        ingest = ingest_of(models, source, decoder_of(models, None))
        raised = [r for step in replay([ReplaySource(ingest, [batch])], stage_of(models), ReplayTotals()) for r in step]
        render = renderer_of(models, Run(mode="backtest", run_id="test"))
        return [json.loads(render(r).to_json()) for r in raised]

    return alerts([]), alerts(REDACTED)


def test_no_value_and_no_category_is_shown(told) -> None:
    plain, redacted = told
    shown = {alert["labels"]["series"] for alert in redacted if alert["labels"].get("feature") in REDACTED}
    assert {"share", "location", "out_of_range", "unseen"} <= shown
    assert any(series.startswith("psi") for series in shown)
    for alert in redacted:
        assert not SECRET.search(json.dumps(alert, ensure_ascii=False)), alert
    assert all(SECRET.search(json.dumps(alert)) for alert in plain if alert["labels"]["series"] == "location")


def test_numbers_stand_for_bins_and_categories(told) -> None:
    _, redacted = told
    share = next(alert for alert in redacted if alert["labels"]["series"] == "share")
    assert re.fullmatch(r"category \d of 4", share["labels"]["category"])
    assert share["labels"]["category"] in share["annotations"]["summary"]
    cells = {
        cell["name"]
        for alert in redacted
        if alert["labels"].get("feature") == "income"
        for cell in alert["detail"]["cells"]
    }
    assert any(re.fullmatch(r"bin \d+ of \d+", name) for name in cells)
    assert "above" in cells


def test_ids_levels_and_evidence_are_the_same(told) -> None:
    plain, redacted = told
    assert [alert["event_id"] for alert in plain] == [alert["event_id"] for alert in redacted]
    for one, other in zip(plain, redacted, strict=True):
        assert {**one["labels"], "category": ""} == {**other["labels"], "category": ""}
        for name in ("from", "to", "effect_sd", "n_before", "n_after", "change_point", "detectors", "distances"):
            assert one["detail"].get(name) == other["detail"].get(name)
        # A fingerprint is that of the labels as they are shown.
        assert (one["fingerprint"] == other["fingerprint"]) == (one["labels"] == other["labels"])


def test_predictions_and_other_features_are_shown_as_ever(told, profile) -> None:
    _, redacted = told
    assert any(alert["labels"].get("class") == "rejected" for alert in redacted)
    slots = {slot.name: slot for slot in Layout.of(profile, redacted=["income"]).slots}
    assert slots["income"].redacted
    assert slots["employment_type"].shown_names == slots["employment_type"].spec.cell_names


def test_check_shows_shifts_in_sd_only() -> None:
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    days = profile_of(loan_events(20_000, every_ms=30_000))
    model = model_of(days, settings, pane_length=3_600_000, budget=1.0, redacted=REDACTED)
    changes = as_json(smallest_changes(model, 100))
    categories = {change["category"] for change in changes if change["feature"] == "employment_type"}
    assert categories <= {None, "other", "category 1 of 3", "category 2 of 3", "category 3 of 3"}
    location = next(change for change in changes if change["series"] == "location")
    assert re.fullmatch(r"a shift of \d+\.\d\d sd", location["text"])


def test_a_detector_for_a_series_that_does_not_exist_is_told_no_category_either(profile) -> None:
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), {})
    open_, closed = (
        model_of(profile, settings, pane_length=60_000, budget=1.0, redacted=names).contrasts.series
        for names in ([], REDACTED)
    )
    ((_, told),) = misfits(open_, ["employment_type|share|gou"])
    ((_, redacted),) = misfits(closed, ["employment_type|share|gou"])
    assert SECRET.search(told)
    assert not SECRET.search(redacted)


def test_a_name_that_is_no_feature_is_refused_as_it_would_not_be_redacted(profile, tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text("{}")
    file = tmp_path / "driftgauge.yaml"
    file.write_text(
        "kafka: {bootstrap_servers: [localhost:9092]}\n"
        "topics: {predictions: p}\n"
        "models:\n"
        '  - {model_id: loan-approval, model_version: "7", profile: profile.json, redact: [incme]}\n'
    )
    with pytest.raises(
        ConfigError, match=r"4:\d+: models\[0\]\.redact\[0\]: .* no feature incme, did you mean income\?"
    ):
        config_file.load_with_profiles(file, {}, lambda _: profile)


def test_what_one_entry_of_a_version_redacts_holds_for_all() -> None:
    entry = {"model_id": "m", "model_version": "1", "profile": "p.json"}
    later = entry | {"effective_from": "2026-04-01T00:00:00Z"}
    config = Config.model_validate(
        {
            "kafka": {"bootstrap_servers": ["h:1"]},
            "topics": {"predictions": "p"},
            "models": [entry | {"redact": ["a"]}, later | {"redact": ["b"]}, entry | {"model_version": "2"}],
        }
    )
    assert [sorted(config.redacted(model)) for model in config.models] == [["a", "b"], ["a", "b"], []]
