"""An alert event that is too large for its topic, made to fit: what only illustrates goes first, identity never.

Large are lists that grow with the deployment (hundreds of partitions) and names that users choose. The event id,
labels, levels and the change point stay whatever happens. The same event and limit give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from driftgauge.alerts.event import AlertEvent, Detail, TrimmedPart


class _Cut(NamedTuple):
    part: TrimmedPart
    of: Callable[[AlertEvent], dict[str, Any]]


def _detail(**changes: Any) -> Callable[[AlertEvent], dict[str, Any]]:
    return lambda event: {"detail": event.detail.model_copy(update=changes)}


def _without_partitions(detail: Detail) -> Detail:
    bare = [numbers.model_copy(update={"partitions": []}) for numbers in detail.detectors]
    return detail.model_copy(update={"detectors": bare})


# In this order, until the event fits.
_CUTS = (
    _Cut("cells", _detail(cells=[])),
    _Cut("distances", _detail(distances=None)),
    _Cut("segments", _detail(segments=[])),
    _Cut("detectors.partitions", lambda event: {"detail": _without_partitions(event.detail)}),
    _Cut("source.more", lambda event: {"source": event.source.model_copy(update={"more": []})}),
    _Cut("source.offsets", lambda event: {"source": event.source.model_copy(update={"offsets": {}})}),
    _Cut(
        "annotations.description",
        lambda event: {"annotations": event.annotations.model_copy(update={"description": event.annotations.summary})},
    ),
    _Cut("natural", _detail(natural=None)),
    _Cut(
        "detectors",
        lambda event: {"detail": event.detail.model_copy(update={"detectors": event.detail.detectors[:1]})},
    ),
)


def json_within(event: AlertEvent, limit: int) -> bytes:
    """The event as JSON of at most `limit` bytes, if leaving parts out can achieve that.

    `detail.trimmed` says which are left out, those that held nothing excepted.
    """
    data = event.to_json()
    trimmed: list[TrimmedPart] = []
    for cut in _CUTS:
        if len(data) <= limit:
            break
        smaller = event.model_copy(update=cut.of(event))
        if smaller == event:
            continue
        trimmed.append(cut.part)
        event = smaller.model_copy(update={"detail": smaller.detail.model_copy(update={"trimmed": list(trimmed)})})
        data = event.to_json()
    return data
