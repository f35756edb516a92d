"""What only the engine can see of a configuration: detectors that can't be built so, series that no model has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from driftgauge.config import Config
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.events.chosen import misfits
from driftgauge.detect.traffic.limits import TRAFFIC, Limits
from driftgauge.detect.traffic.parts import Parts
from driftgauge.engine.configured import models_of
from driftgauge.engine.pane_size import too_large_panes
from driftgauge.engine.settings import METHODS
from driftgauge.profiles.profile import Profile


def problems_of(config: Config, profiles: Sequence[Profile | None]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Path and message of each."""
    unknown = [name for name in config.detectors if name not in METHODS]
    yield from ((("detectors", name), f"unknown detector; there are {', '.join(METHODS)}") for name in unknown)
    if unknown:
        return
    unfit = False
    for model in models_of(config, profiles):
        of_traffic = {TRAFFIC: model.settings.traffic} if model.settings.traffic is not None else {}
        for name, own in {**model.settings.detectors, **of_traffic}.items():
            try:
                if name == TRAFFIC:
                    Limits.build(model.context, own, Parts(model.layout).count)
                else:
                    DETECTORS[name].build(model.context, own)
            except ValueError as error:
                message = str(error)
                # A detector's message names the setting it is about.
                setting = [key for key in own if re.search(rf"\b{re.escape(key)}\b", message.partition(";")[0])][:1]
                yield ("detectors", name, *setting), message
                unfit = True
    series = [entry for model in models_of(config, profiles) for entry in model.contrasts.series]
    for name, own in config.detectors.items():
        named = own.get("series") if own.get("enabled", True) else None
        texts = [entry if isinstance(entry, str) else "" for entry in named] if isinstance(named, list) else []
        found = list(misfits(series, texts))
        yield from ((("detectors", name, "series", at), text) for at, text in found)
        unfit |= bool(found)
    if not unfit:
        yield from too_large_panes(config, models_of(config, profiles))
