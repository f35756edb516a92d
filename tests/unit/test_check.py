"""`driftgauge check`: the plan that is in force, and detector settings that are wrong, with their place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from builders import small_profile
from driftgauge import config_file
from driftgauge.engine.configured import models_of
from driftgauge.sources.profile_file import read_profile, write_profile

CONFIG = """\
kafka: {bootstrap_servers: [localhost:9092]}
topics: {predictions: ml.predictions, labels: ml.labels}
models:
  - model_id: loan-approval
    model_version: "7"
    profile: loan.json
    false_alarm_budget: 2
"""


@pytest.fixture
def config(tmp_path: Path):
    write_profile(small_profile(), tmp_path / "loan.json")
    file = tmp_path / "driftgauge.yaml"

    def write(detectors: str = "") -> Path:
        file.write_text(CONFIG + detectors)
        return file

    return write


def check(file: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "driftgauge", "check", "-c", str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_plan_shows_the_detectors_that_the_worker_builds(config):
    file = config("detectors: {adwin: {enabled: false}, page_hinkley: {threshold: 9}}\n")
    done = check(file, "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)["models"][0]["detectors"]
    loaded = config_file.load_with_profiles(file, {}, read_profile)
    (model,) = models_of(loaded.config, loaded.profiles)
    assert shown == json.loads(json.dumps(model.resolved))
    assert list(shown) == [*(d.name for d in model.detectors()), "traffic"]
    assert "adwin" not in shown
    assert shown["page_hinkley"]["threshold"] == 9.0


def test_a_memory_too_short_for_the_longest_means_is_said_plainly(config):
    short = config("limits: {ring_panes: 100}\n")
    done = check(short)
    assert done.returncode == 0, done.stderr
    note = "limits.ring_panes is 100: means over 360 panes (6h) are not looked at"
    assert note in done.stdout
    [shown] = json.loads(check(short, "--json").stdout)["models"][0]["notes"]
    assert shown.startswith(note)
    assert shown.endswith("set it to 360 or more")
    for fine in (
        "limits: {ring_panes: 360}\n",
        "limits: {ring_panes: 100}\ndetectors: {multiscale: {enabled: false}}\n",
    ):
        assert "ring_panes is" not in check(config(fine)).stdout


def test_what_is_found_within_an_hour_and_within_a_day_stands_side_by_side(config):
    done = check(config(), "--events", "50")
    assert "within 1h" in done.stdout
    assert "within 1d" in done.stdout
    [row] = [line.split("  ") for line in done.stdout.splitlines() if line.startswith(" income missing ")]
    hour, day = (text.strip() for text in row[1:] if text.strip())
    shown = json.loads(check(config(), "--events", "50", "--json").stdout)["models"][0]
    assert shown["smallest_changes_within"] == ["1h", "1d"]
    [missing] = [c for c in shown["smallest_changes"] if (c["feature"], c["series"]) == ("income", "missing")]
    assert (missing["text"], missing["within_a_day"]["text"]) == (hour, day)
    assert missing["within_a_day"]["smallest"] < missing["smallest"]


def test_every_wrong_detector_setting_is_shown_with_line_and_column(config):
    file = config("detectors:\n  adwin: {delta: 7}\n  psi:\n    min_span: wide\n    colour: red\n  page_hinkley: {}\n")
    done = check(file)
    assert done.returncode == 2
    assert f"{file}:9:18: detectors.adwin.delta: delta must lie between 0 and 1" in done.stderr
    assert f"{file}:11:15: detectors.psi.min_span: setting 'min_span' must be a number, not 'wide'" in done.stderr


def test_an_unknown_setting_and_an_unknown_detector_are_shown_where_their_names_stand(config):
    done = check(config("detectors:\n  psi: {colour: red}\n"))
    assert done.returncode == 2
    assert ":9:9: detectors.psi.colour: unknown setting 'colour'; known: " in done.stderr
    done = check(config("detectors: {adwim: {}, kstest: {}}\n"))
    assert done.returncode == 2
    assert ":8:13: detectors.adwim: unknown detector; there are " in done.stderr
    assert ":8:24: detectors.kstest: unknown detector; there are " in done.stderr


def test_the_schedule_of_a_version_that_changes_its_profile_is_shown(config, tmp_path):
    write_profile(small_profile().model_copy(update={"suggested_pane": "5m"}), tmp_path / "next.json")
    later = (
        "  - {model_id: loan-approval, model_version: 7, profile: next.json, panes: {length: auto}, "
        "effective_from: 2026-04-01T00:02:00Z}\n"
    )
    done = check(config(later))
    assert done.returncode == 0, done.stderr
    assert "  holds      until 2026-04-01T00:05:00Z, in event time\n" in done.stdout
    assert "  holds      from 2026-04-01T00:05:00Z, in event time\n" in done.stdout
    assert "The configuration is fine: 1 model." in done.stdout
    plan = json.loads(check(config(later), "--json").stdout)
    assert [(m["from"], m["to"], m["pane_length"]) for m in plan["models"]] == [
        (None, "2026-04-01T00:05:00Z", 60_000),
        ("2026-04-01T00:05:00Z", None, 300_000),
    ]
    assert "holds" not in check(config()).stdout


def test_a_version_that_is_to_have_a_profile_is_not_among_those_without(config):
    entry = "  - {model_id: churn, model_version: 1}\n"
    assert json.loads(check(config(entry), "--json").stdout)["without_profile"] == [
        {"model_id": "churn", "model_version": "1"}
    ]
    bare = CONFIG.replace("    profile: loan.json\n    false_alarm_budget: 2\n", "")
    file = config()
    file.write_text(
        bare + "  - {model_id: loan-approval, model_version: 7, profile: loan.json, effective_from: 2026-04-01}\n"
    )
    plan = json.loads(check(file, "--json").stdout)
    assert plan["without_profile"] == []
    assert plan["models"][0]["from"] == "2026-04-01T00:00:00Z"


def test_it_says_from_when_on_traffic_is_watched_or_that_it_is_not(config):
    shown = check(config()).stdout
    assert "and more is told of after 1 day of its own events, volume after 5" in shown
    off = check(config("detectors: {traffic: {enabled: false}}\n")).stdout
    assert "traffic    not watched (detectors.traffic is not enabled)" in off
    done = check(config("detectors:\n  traffic: {levels: 2}\n"))
    assert done.returncode == 2
    assert ":9:13: detectors.traffic.levels: unknown setting 'levels'; known: none" in done.stderr
