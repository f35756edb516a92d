"""What is swept: `budget=0.1,1,10` is an axis, and every combination of the axes' values is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import yaml

from driftgauge.config import LONGEST_PANE, Config
from driftgauge.detect.detectors import DETECTORS
from driftgauge.durations import format_duration, parse_duration
from driftgauge.errors import ConfigError

MOST = 64
BUDGET, MINIMUM_EFFECT, PANE = "budget", "minimum_effect", "pane"
_NUMBERS = {BUDGET: (0.001, 1000.0), MINIMUM_EFFECT: (0.1, 10.0)}
_SHORTEST_PANE = 1000


class Setting(NamedTuple):
    """A value of an axis, as it was written and as it is meant (`pane`: ms)."""

    axis: str
    text: str
    value: Any


class Choice(NamedTuple):
    """A value of each axis, in the axes' order."""

    settings: tuple[Setting, ...]

    def __str__(self) -> str:
        """`budget 1, pane 5m`."""
        return ", ".join(f"{setting.axis} {setting.text}" for setting in self.settings)

    def value(self, axis: str) -> Any:
        """Of an axis; None if it isn't swept."""
        return next((setting.value for setting in self.settings if setting.axis == axis), None)

    @property
    def detectors(self) -> dict[str, dict[str, Any]]:
        """As in a configuration's section of that name."""
        found: dict[str, dict[str, Any]] = {}
        for axis, _, value in self.settings:
            if axis.startswith("detectors."):
                _, name, key = axis.split(".", 2)
                found.setdefault(name, {})[key] = value
        return found

    def applied(self, config: Config) -> Config:
        """The configuration with these in the place of its own."""
        own: dict[str, Any] = {}
        if (budget := self.value(BUDGET)) is not None:
            own["false_alarm_budget"] = budget
        if (effect := self.value(MINIMUM_EFFECT)) is not None:
            own["minimum_effect"] = effect
        pane = self.value(PANE)
        if pane is not None:
            own["panes"] = None
        return config.model_copy(
            update={
                "models": [model.model_copy(update=own) for model in config.models],
                "detectors": merged(config.detectors, self.detectors),
                **({"panes": config.panes.model_copy(update={"length": pane})} if pane is not None else {}),
            }
        )


def merged(own: Mapping[str, Mapping[str, Any]], more: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Detector settings, those of `more` before those of `own`."""
    return {name: {**own.get(name, {}), **more.get(name, {})} for name in dict.fromkeys([*own, *more])}


def choices(texts: Sequence[str]) -> list[Choice]:
    """All combinations of what these say, each `AXIS=VALUE,VALUE…`. ConfigError names what is wrong, and the fix."""
    axes = [_axis(text) for text in texts]
    names = [axis[0].axis for axis in axes]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"--sweep {twice[0]}: given twice; list all its values behind one --sweep {twice[0]}=…")
    found = [Choice(settings) for settings in product(*axes)]
    if len(found) > MOST:
        raise ConfigError(f"--sweep: {len(found)} combinations; at most {MOST} are tried at once")
    return found


def _axis(text: str) -> list[Setting]:
    name, equals, values = text.partition("=")
    name = name.strip()
    if not equals or not values.strip():
        raise ConfigError(f"--sweep {text}: write AXIS=VALUE,VALUE…, as in budget=0.1,1,10")
    settings = [_setting(name, value.strip()) for value in values.split(",")]
    if len({repr(setting.value) for setting in settings}) < len(settings):
        raise ConfigError(f"--sweep {text}: a value is listed twice")
    return settings


def _setting(name: str, text: str) -> Setting:
    if name in _NUMBERS:
        return Setting(name, text, _number(name, text))
    if name == PANE:
        return Setting(name, text, _pane(text))
    parts = name.split(".")
    if len(parts) == 3 and parts[0] == "detectors" and parts[1] in DETECTORS:
        return Setting(name, text, _scalar(name, text))
    known = ", ".join(DETECTORS)
    raise ConfigError(
        f"--sweep {name}: no such axis; there are budget, minimum_effect, pane and detectors.NAME.SETTING "
        f"(detectors.adwin.enabled=true,false), where NAME is one of {known}"
    )


def _number(name: str, text: str) -> float:
    low, high = _NUMBERS[name]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ConfigError(f"--sweep {name}={text}: a number from {low:g} to {high:g} is wanted")
    return value


def _pane(text: str) -> int:
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"--sweep pane={text}: {error}") from None
    if not _SHORTEST_PANE <= length <= LONGEST_PANE:
        raise ConfigError(f"--sweep pane={text}: a pane is 1s to {format_duration(LONGEST_PANE)} long")
    return length


def _scalar(name: str, text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = {}
    if not isinstance(value, bool | int | float | str):
        raise ConfigError(f"--sweep {name}={text}: a number, a word, true or false is wanted")
    # What a detector itself never sees, and so can't refuse.
    if name.endswith(".enabled") and not isinstance(value, bool):
        raise ConfigError(f"--sweep {name}={text}: true or false is wanted")
    return value
