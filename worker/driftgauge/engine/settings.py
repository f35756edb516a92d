"""What all models of a run share, from the configuration's sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftgauge.alerts.lifecycle import LifecycleSettings
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.registry import switched_on
from driftgauge.detect.traffic.limits import TRAFFIC
from driftgauge.errors import ConfigError

# What the configuration's `detectors` may name.
METHODS = (*DETECTORS, TRAFFIC)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What all models of a run share. `out_of_orderness` ms.

    `traffic`: settings for volume and silences; None: these aren't watched.
    """

    out_of_orderness: int
    lifecycle: LifecycleSettings
    detectors: Mapping[str, Mapping[str, Any]]
    traffic: Mapping[str, Any] | None
    ring_panes: int
    max_record_bytes: int
    unknown_subjects: int
    event_alarms: int
    distinct_features: int

    @classmethod
    def of(
        cls, panes: PanesConfig, alerts: AlertsConfig, limits: LimitsConfig, detectors: Mapping[str, Mapping[str, Any]]
    ) -> EngineSettings:
        """From the configuration's sections; see `switched_on` for which detectors are."""
        for name in detectors:
            if name not in METHODS:
                raise ConfigError(f"detectors.{name}: no such detector; there are {', '.join(METHODS)}")
        traffic = dict(detectors.get(TRAFFIC, {}))
        return cls(
            out_of_orderness=panes.out_of_orderness,
            lifecycle=LifecycleSettings(
                resolve_panes=alerts.resolve_after_panes,
                horizon_panes=alerts.confirm_horizon_panes,
                repeat_interval=alerts.repeat_interval,
            ),
            detectors=switched_on(DETECTORS, detectors),
            traffic=traffic if traffic.pop("enabled", True) else None,
            ring_panes=limits.ring_panes,
            max_record_bytes=limits.max_record_bytes,
            unknown_subjects=limits.unknown_subjects,
            event_alarms=limits.event_alarms,
            distinct_features=limits.distinct_features,
        )
