"""All detector cases of other projects, where they are at hand, through this project's ADWIN and Page-Hinkley.

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
from driftgauge.detect.detectors.adwin import Adwin
from driftgauge.detect.detectors.page_hinkley import PageHinkley

pytestmark = pytest.mark.realdata
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "peer_cases"
METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ADWIN": (Adwin, {"delta": 0.002, "clock": 32}),
    "PageHinkley": (PageHinkley, {"delta": 0.005, "threshold": 50.0, "alpha": 0.9999}),
}
# Detectors that this project doesn't have: they see errors of a model event by event, or draw at random.
NOT_OURS = {"KSWIN", "DDM", "EDDM", "HDDM_A", "HDDM_W"}


def _settings(arguments: str) -> dict[str, Any]:
    pairs = (part.split("=") for part in arguments.split(",") if part)
    return {name: json.loads(value.replace("'", '"')) for name, value in pairs}


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


def test_all_streams_at_hand_give_rivers_alarms() -> None:
    """Every case is compared, or is of a detector that isn't ours."""
    if not (FOLDER / "streams.npz").exists():
        pytest.skip("the other projects' cases are not at hand")
    cases = json.loads((FOLDER / "detector_cases_river.json").read_text())
    wrong, compared = [], 0
    with np.load(FOLDER / "streams.npz") as streams:
        for case in cases:
            name, arguments = re.match(r"(\w+)\((.*?)\)", case["case"]).groups()
            if name in NOT_OURS:
                continue
            method, defaults = METHODS[name]
            settings = {**defaults, **_settings(arguments)}
            found = _alarms(method, settings, streams[case["stream"]].astype(np.float64))
            if found != case["river_0_26_1"]:
                wrong.append((case["case"], case["stream"], found, case["river_0_26_1"]))
            compared += 1
    assert wrong == []
    assert compared == 13
