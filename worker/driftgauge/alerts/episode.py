"""An episode's memory, and its bytes. What an episode does is decided in `alerts/lifecycle.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from driftgauge.alerts.transition import Severity
from driftgauge.errors import StateError
from driftgauge.panes.schedule import ALWAYS

VERSION = 2
# Later than any profile begins to hold: an alert is told of by the one that held when it was opened.
_Time = Annotated[int, Meta(gt=ALWAYS, lt=-ALWAYS)]


class Agreed(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A detector's first alarm in the episode, and the partitions of all its alarms; see `Detection`."""

    statistic: float
    threshold: float
    p_value: float | None = None
    window: Annotated[int, Meta(ge=1)] | None = None
    partitions: list[str] = []


class Episode(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One problem on one series.

    `phase`: candidate (unpublished, waiting for the effect to show), covered (unpublished, as the alert of the model's
    whole tells it) or firing. `since`: count of non-empty panes when the phase began. `onset` ms. `before`, `n_before`:
    level of the series before the onset and events behind it.
    `opened_pane_end`: end of the pane of its first alarm; once firing, of the one that opened it. The rest counts from
    then on: severity in force, transitions published, pane end of the last one, the analysis hash at opening, and
    whether a detector said that the series is off its reference level, rather than that it changed.
    """

    phase: Literal["candidate", "covered", "firing"]
    since: int
    onset: _Time
    before: float
    n_before: int
    detectors: dict[str, Agreed]
    opened_pane_end: _Time = 0
    severity: Severity = "warning"
    ordinal: int = 0
    published_at: _Time = 0
    analysis: str = ""
    off_reference: bool = False


class Episodes(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """All episodes of a subject by series key.

    `calm_since`: per series that had one resolved, the start (ms) of the panes that showed it to be calm again. What
    lies before is another story, and no change point is looked for there.
    """

    version: int = VERSION
    running: dict[str, Episode] = {}
    calm_since: dict[str, _Time] = {}


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Episodes)


def encode_episodes(episodes: Episodes) -> bytes:
    """Equal episodes give equal bytes."""
    return _encoder.encode(episodes)


def decode_episodes(data: bytes) -> Episodes:
    """The inverse. StateError if the bytes aren't that."""
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"stored episodes can't be read: {error}") from error
    if state.version != VERSION:
        raise StateError(f"stored episodes have version {state.version}, this program reads {VERSION}")
    return state
