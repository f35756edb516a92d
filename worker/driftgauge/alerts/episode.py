"""An episode's memory, and its bytes. What an episode does is decided in `alerts/lifecycle.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from driftgauge.alerts.transition import Severity
from driftgauge.detect.types import Direction
from driftgauge.errors import StateError

VERSION = 1

# detector name -> (statistic, threshold, p-value) of its first alarm in the episode
Agreed = dict[str, tuple[float, float, float | None]]


class Episode(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One problem on one series.

    `phase`: candidate (unpublished, waiting for the effect to show) or firing. `since`: count of non-empty panes when
    the phase began. `onset` ms. `before`, `n_before`: level of the series before the onset and events behind it.
    The rest counts once firing: end of the opening pane, severity in force, transitions published, pane end of the
    last one, and the analysis hash at opening.
    """

    phase: Literal["candidate", "firing"]
    since: int
    direction: Direction
    onset: int
    before: float
    n_before: int
    detectors: Agreed
    opened_pane_end: int = 0
    severity: Severity = "warning"
    ordinal: int = 0
    published_at: int = 0
    analysis: str = ""


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    episodes: dict[str, Episode]


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(_State)


def encode_episodes(episodes: dict[str, Episode]) -> bytes:
    """All episodes of a subject by series key; equal episodes give equal bytes."""
    return _encoder.encode(_State(VERSION, episodes))


def decode_episodes(data: bytes) -> dict[str, Episode]:
    """The inverse. StateError if the bytes aren't that."""
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"stored episodes can't be read: {error}") from error
    if state.version != VERSION:
        raise StateError(f"stored episodes have version {state.version}, this program reads {VERSION}")
    return state.episodes
