"""The registry of detection methods: name -> class, and all of them built for one subject.

`detectors/__init__.py` holds one line per method. The configuration's names, the law suite and the analysis hash go
by this mapping, so adding a method touches its own file and that line. A method that isn't on by default is built
only where the configuration names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from driftgauge.detect.types import Detector, DetectorContext
from driftgauge.errors import ConfigError

Registry = Mapping[str, type[Detector]]


def registry(*methods: type[Detector]) -> Registry:
    """A read-only mapping of the methods by their names, in the order given. ValueError if a name occurs twice."""
    named = {method.name: method for method in methods}
    if len(named) != len(methods):
        raise ValueError("two detection methods have the same name")
    return MappingProxyType(named)


def switched_on(known: Registry, configured: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Settings of the methods that are on: by default, or as named; `enabled: false` switches any of them off."""
    chosen = {name: dict(configured.get(name, {})) for name in known if known[name].by_default or name in configured}
    return {name: own for name, own in chosen.items() if own.pop("enabled", True)}


def build_detectors(
    known: Registry, context: DetectorContext, chosen: Mapping[str, Mapping[str, Any]]
) -> tuple[Detector, ...]:
    """Fresh detectors for one subject: `chosen` maps a method's name to settings that override its defaults.

    They come in the registry's order whatever the order of `chosen`, so that it can't change a result. ConfigError
    names an unknown method or a setting that doesn't fit.
    """
    for name in chosen:
        if name not in known:
            raise ConfigError(f"detectors: unknown detector {name!r}; known: {', '.join(known)}")
    built = []
    for name, method in known.items():
        if name in chosen:
            try:
                built.append(method.build(context, chosen[name]))
            except ValueError as error:
                raise ConfigError(f"detectors.{name}: {error}") from error
    return tuple(built)
