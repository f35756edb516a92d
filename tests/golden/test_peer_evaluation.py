"""Cases by which others test their scores of change detectors, through this project's matching.

`RIVER` (online-ml/river@9cd5a35 river/drift/test_evaluate.py, not in a release), `CAPYMOA` (adaptive-machine-learning/
CapyMOA@095caba tests/test_eval_detector.py) and `DFKI` (DFKI-NI/unsupervised-concept-drift-detection@bc66d2c
test/metrics/test_drift.py) are copied; the whole set is read where it is at hand. A drift at a point is an incident
that starts and ends there, their largest delay is the tolerance; DFKI's windows reach to the next drift. Where
definitions differ, and why ours are not theirs:

- Alarms before a drift (`delta_pre`, `max_early_detection`) count as hits there. Here nothing was wrong yet, or the
  label is late and has to be mended.
- river counts every alarm in a window for `recall`; ours is its `episode_recall`. An alarm that repeats itself finds
  nothing more.
- DFKI calls all but the first detection after a drift false; here they are duplicates. With a lasting change the second
  symptom is no error. So its times between false alarms (mtfa) are ours only where none is repeated.
- Time between false alerts: river and DFKI take the mean gap between neighbouring ones (unknown of one, blind to the
  time before the first and after the last), ours is quiet time by their number. Rates likewise: river divides by the
  whole stream. The mean time ratio is the same formula on these.
- CapyMOA's `ndt` is the mean delay by the largest allowed; that depends on a setting of the score: there is none here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from driftgauge.scoring.measures import Measures, mean_time_ratio, measure
from scored import alert, incident, matched

CASES = Path(__file__).resolve().parents[3] / "shared" / "peer_cases" / "eval_metric_cases.json"

RIVER: list[dict[str, Any]] = [
    {"alarms": [120], "drifts": [100], "delta_max": 50, "hits": {"0": [120]}, "false_alarms": []},
    {"alarms": [151], "drifts": [100], "delta_max": 50, "hits": {}, "false_alarms": [151]},
    {"alarms": [150], "drifts": [100], "delta_max": 50, "hits": {"0": [150]}, "false_alarms": []},
    {"alarms": [99], "drifts": [100], "delta_max": 50, "hits": {}, "false_alarms": [99]},
    {"alarms": [95], "drifts": [100], "delta_max": 50, "delta_pre": 10, "hits": {"0": [95]}, "false_alarms": []},
    {"alarms": [250], "drifts": [[100, 200]], "delta_max": 50, "hits": {"0": [250]}, "false_alarms": []},
    {"alarms": [251], "drifts": [[100, 200]], "delta_max": 50, "hits": {}, "false_alarms": [251]},
    {"alarms": [130], "drifts": [100, 120], "delta_max": 50, "hits": {"0": [130]}, "false_alarms": []},
    {"alarms": [110, 130], "drifts": [100, 500], "delta_max": 50, "episode_recall": 0.5, "detection_delay": 10.0},
    {"alarms": [110, 900], "drifts": [100], "delta_max": 50, "precision": 0.5},
    {"alarms": [110, 900], "drifts": [100, 500], "delta_max": 50, "f1": 0.5, "missed_detection_rate": 0.5},
    {"alarms": [110, 530], "drifts": [100, 500, 900], "delta_max": 50, "detection_delay": 20.0},
    {"alarms": [110, 400, 700], "drifts": [100, 900], "delta_max": 50, "mean_time_ratio": 15.0},
]
CAPYMOA: list[dict[str, Any]] = [
    {"trues": [1000, 2000], "preds": [500, 1200, 1250, 2100], "max_delay": 200, "n": 2500, "mdt": 150.0},
    {"trues": [1000], "preds": [1150], "max_delay": 400, "n": 2000, "mdt": 150.0},
    {"trues": [1000], "preds": [1150], "max_delay": 50, "n": 2000, "mdt": None},
    {"trues": [1000], "preds": [5], "max_delay": 50, "n": 2000, "recall": 0.0, "mdt": None},
    {"trues": [[1000, 1500]], "preds": [1700], "max_delay": 200, "n": 2000, "tp": 1, "mdt": 700.0},
    {"trues": [1000, 2000, 3000], "preds": [1020, 3080], "max_delay": 100, "n": 4000, "fn": 1, "mdt": 50.0},
]
DFKI: list[dict[str, Any]] = [
    {"drifts": [10], "detections": [1, 2, 3, 4, 5], "mdr": 1.0, "mtd": None, "mtr": None},
    {"drifts": [0, 2, 4], "detections": [1, 3, 5], "mtd": 1.0, "mdr": 0.0},
    {"drifts": [0, 1, 3], "detections": [2, 4], "mtd": 1.0, "mdr": 0.3333333},
    {"drifts": [0], "detections": [1, 2, 4, 7], "mtr": 2.5, "mtfa": 2.5, "mtd": 1, "mdr": 0},
    {
        "drifts": [1, 11, 12, 14, 20, 25, 26],
        "detections": [4, 6, 10, 13, 16, 18, 24, 28],
        "mtr": 1.7857143,
        "mtfa": 6,
        "mtd": 2.4,
        "mdr": 0.2857143,
    },
    {
        "drifts": [1, 11, 12, 14, 20, 25, 26],
        "detections": [2, 2.5, 10.5, 13, 15, 21],
        "mtr": 4.5714286,
        "mtfa": 8,
        "mtd": 1,
        "mdr": 0.4285714,
    },
]
# Half steps occur.
UNIT = 2
END = 10_000 * UNIT


def _span(drift: Any) -> tuple[int, int]:
    start, end = drift if isinstance(drift, list) else (drift, drift)
    return start * UNIT, end * UNIT


def _point(time: float) -> Any:
    # Over as soon as it is told: an alarm there is a moment.
    return alert(int(time * UNIT), int(time * UNIT))


def _scored(alarms: list[float], drifts: list[Any], tolerance: int) -> Measures:
    known = [incident(*_span(drift)) for drift in drifts]
    return measure(matched(map(_point, alarms), known, start=-1, end=END, tolerance=tolerance * UNIT), tolerance * UNIT)


def _cases(kept: list[dict[str, Any]], name: str) -> list[Any]:
    stored = json.loads(CASES.read_text())[name]["cases"] if CASES.exists() else []
    return [*kept, *(case for case in stored if case not in kept)]


def test_the_copies_are_the_cases_of_the_source():
    if not CASES.exists():
        pytest.skip("the whole set of cases is not at hand")
    for name, kept in (("river_evaluate", RIVER), ("capymoa", CAPYMOA), ("dfki", DFKI)):
        stored = json.loads(CASES.read_text())[name]["cases"]
        for case in kept:
            assert any(case.items() <= other.items() for other in stored), case


@pytest.mark.parametrize("case", _cases(RIVER, "river_evaluate"), ids=str)
def test_river(case):
    found = matched(
        map(_point, case["alarms"]),
        [incident(*_span(drift)) for drift in case["drifts"]],
        end=END,
        tolerance=case["delta_max"] * UNIT,
    )
    measures = measure(found, case["delta_max"] * UNIT)
    if "hits" in case and "delta_pre" not in case:
        hits = {str(i): [f.by.opened // UNIT] for i, f in enumerate(found.findings) if f.by is not None}
        false = [judged.alert.opened // UNIT for judged in found.alerts if judged.verdict == "false"]
        assert (hits, false) == (case["hits"], case["false_alarms"])
    if "delta_pre" in case:
        assert measures.verdicts["false"] == 1
    recall, delay = measures.recall.share, measures.delays.mean
    if "episode_recall" in case:
        assert recall == case["episode_recall"]
    if "missed_detection_rate" in case:
        assert 1 - recall == case["missed_detection_rate"]
    if "detection_delay" in case:
        assert delay / UNIT == case["detection_delay"]
    if "precision" in case:
        assert measures.precision == case["precision"]
    if "f1" in case:
        assert 2 * measures.precision * recall / (measures.precision + recall) == case["f1"]
    if "mean_time_ratio" in case:
        false = [judged.alert.opened / UNIT for judged in found.alerts if judged.verdict == "false"]
        assert mean_time_ratio(false[1] - false[0], delay / UNIT, recall) == case["mean_time_ratio"]


@pytest.mark.parametrize("case", _cases(CAPYMOA, "capymoa"), ids=str)
def test_capymoa(case):
    measures = _scored(case["preds"], case["trues"], case["max_delay"])
    if "max_early_detection" in case:
        assert measures.verdicts["false"] == 1
        return
    mean = measures.delays.mean
    assert (None if mean is None else mean / UNIT) == case["mdt"]
    assert measures.recall.found == case.get("tp", measures.recall.found)
    missed = measures.recall.incidents - measures.recall.found
    assert missed == case.get("fn", missed)
    assert measures.recall.share == case.get("recall", measures.recall.share)


@pytest.mark.parametrize("case", _cases(DFKI, "dfki"), ids=str)
def test_dfki(case):
    starts = [drift * UNIT for drift in case["drifts"]]
    known = [incident(start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]
    measures = measure(matched(map(_point, case["detections"]), known, start=-1, end=END), 0)
    delay, recall = measures.delays.mean, measures.recall.share
    assert (None if delay is None else delay / UNIT) == case["mtd"]
    assert 1 - recall == pytest.approx(case.get("mdr", 1 - recall))
    if case.get("mtr") is not None:
        assert mean_time_ratio(case["mtfa"], delay / UNIT, recall) == pytest.approx(case["mtr"])
