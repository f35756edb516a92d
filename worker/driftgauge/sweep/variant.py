"""One combination of settings, judged over the panes that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from driftgauge.alerts.event import Run
from driftgauge.alerts.stage import DetectStage
from driftgauge.engine.detect import stage_of
from driftgauge.engine.model import Model
from driftgauge.engine.publish import renderer_of
from driftgauge.engine.unprofiled import Unprofiled
from driftgauge.panes.coarse import CoarsePanes
from driftgauge.panes.messages import Message
from driftgauge.scoring.alert import Alert, Alerts
from driftgauge.sweep.axes import Choice

_RUN = Run(mode="backtest", run_id="sweep")


class Variant:
    """`models` under a `choice` of settings. `as_configured`: it is what the configuration says anyway."""

    def __init__(
        self, choice: Choice, models: Sequence[Model], unprofiled: Unprofiled | None, *, as_configured: bool
    ) -> None:
        """Nothing judged yet."""
        self.choice, self.models, self.as_configured = choice, models, as_configured
        self._unprofiled = unprofiled
        self._render = renderer_of(models, _RUN, unprofiled)
        # By log: each has an order of its own.
        self._judging: dict[int, tuple[DetectStage, CoarsePanes]] = {}
        self.alerts = Alerts()

    def take(self, messages: Sequence[Message], log: int = 0) -> None:
        """What the pass judges, in log order."""
        if log not in self._judging:
            self._judging[log] = self._fresh()
        stage, coarse = self._judging[log]
        self._judge(stage, coarse.take(messages), self.alerts)

    def told_of(self, batches: Iterable[Sequence[Message]]) -> list[Alert]:
        """The alerts of another log, beginning with a memory of nothing."""
        alerts = Alerts()
        stage, coarse = self._fresh()
        for messages in batches:
            self._judge(stage, coarse.take(messages), alerts)
        return alerts.all()

    def _judge(self, stage: DetectStage, messages: Iterable[Message], alerts: Alerts) -> None:
        for raised in stage.process(messages):
            alerts.add(self._render(raised))

    def _fresh(self) -> tuple[DetectStage, CoarsePanes]:
        lengths = {model.subject[:2]: model.pane_length for model in self.models}
        return stage_of(self.models, self._unprofiled), CoarsePanes(lengths)
