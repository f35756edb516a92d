"""The analysis hash: what decides which alerts the same log gives, and so part of every event's identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from driftgauge.engine.settings import EngineSettings

# Counts up when the same panes could give other alerts.
ENGINE_SEMANTICS = 4


def analysis_hash(settings: EngineSettings, pane_length: int, decided: Mapping[str, Any]) -> str:
    """Of what every subject has, and of what is `decided` for this one. `pane_length` ms."""
    shared = {
        "semantics": ENGINE_SEMANTICS,
        "pane_ms": pane_length,
        "out_of_orderness_ms": settings.out_of_orderness,
        "repeat_ms": settings.lifecycle.repeat_interval,
    }
    return "sha256:" + hashlib.sha256(orjson.dumps({**shared, **decided}, option=orjson.OPT_SORT_KEYS)).hexdigest()
