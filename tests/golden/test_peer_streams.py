"""All detector cases of other projects, where they are at hand, through this project's detectors.

What is expected is river 0.26.1's own behaviour on each stream, which `detector_cases_river.json` pins. On some of them
scikit-multiflow and frouros expect other indices of their own implementations; those stand in that file beside it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detector_streams import QUARTER, Feed, context, contrasts
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.detectors.adwin import Adwin
from driftgauge.detect.detectors.kswin import Kswin
from driftgauge.detect.detectors.page_hinkley import PageHinkley

pytestmark = pytest.mark.realdata
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "peer_cases"
METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ADWIN": (Adwin, {"delta": 0.002, "clock": 32}),
    "PageHinkley": (PageHinkley, {"delta": 0.005, "threshold": 50.0, "alpha": 0.9999}),
    "KSWIN": (Kswin, {}),
}
ON_EVENTS = {"DDM": "ddm", "EDDM": "eddm", "HDDM_A": "hddm_a", "HDDM_W": "hddm_w"}


def _settings(arguments: str) -> dict[str, Any]:
    pairs = (part.split("=") for part in arguments.split(",") if part)
    spelled = {"True": "true", "False": "false"}
    return {name: json.loads(spelled.get(value, value.replace("'", '"'))) for name, value in pairs}


def _alarms(method: Any, settings: dict[str, Any], values: NDArray[np.float64]) -> list[int]:
    """Indices of the alarms, each value fed as one pane in units of itself."""
    series = contrasts(QUARTER)
    feed = Feed(method.build(context(series), settings), series)
    blocks = feed.detector._blocks
    blocks._reference[0], blocks._sd[0], blocks._wander[0] = 0.0, 1000.0, 0.0
    index = blocks.series[0].index
    block = feed.block(np.zeros((len(values), series.layout.size), np.int64), list(range(len(values))))
    block.n[:, index], block.values[:, index] = 1_000_000, values
    return [d.pane for d in feed.detector.update(block)]


def _alarms_on_events(name: str, settings: dict[str, Any], values: NDArray[np.int64]) -> list[int]:
    detector = DETECTORS[name].build(context(contrasts(QUARTER)), {"series": ["kind|share|b"], **settings})
    return [alarm.at for alarm in detector.scanner().scan([values])]


def test_all_streams_at_hand_give_rivers_alarms() -> None:
    """Every case is compared."""
    if not (FOLDER / "streams.npz").exists():
        pytest.skip("the other projects' cases are not at hand")
    cases = json.loads((FOLDER / "detector_cases_river.json").read_text())
    wrong, compared = [], 0
    with np.load(FOLDER / "streams.npz") as streams:
        for case in cases:
            name, arguments = re.match(r"(\w+)\((.*?)\)", case["case"]).groups()
            values = streams[case["stream"]]
            if name in ON_EVENTS:
                found = _alarms_on_events(ON_EVENTS[name], _settings(arguments), values)
            else:
                method, defaults = METHODS[name]
                found = _alarms(method, {**defaults, **_settings(arguments)}, values.astype(np.float64))
            if found != case["river_0_26_1"]:
                wrong.append((case["case"], case["stream"], found, case["river_0_26_1"]))
            compared += 1
    assert wrong == []
    assert compared == len(cases) == 23
