"""River's tests of one number after another, on the normalised value series: what all of them have in common.

They are fed block means in units of their own noise (see `normalise.py`), and what they find is a candidate only: they
know no effect worth an alert. The life cycle confirms by effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from driftgauge.detect.envelope import fingerprint, seal, unseal
from driftgauge.detect.normalise import NormalisedBlocks
from driftgauge.detect.sensitivity import Sensitivity
from driftgauge.detect.state_parts import joined, parted
from driftgauge.detect.types import Detection, Detector, DetectorContext, Direction
from driftgauge.panes.block import PaneBlock
from driftgauge.profiles.series import Series

_VERSION = 1


class BlockTest(Protocol):
    """How river's object of one method is made from its parameters, and stored."""

    def fresh(self) -> Any:
        """River's object with nothing seen."""
        ...

    def encode(self, test: Any) -> bytes:
        """The state of one that is not in drift."""
        ...

    def decode(self, state: bytes) -> Any:
        """The inverse. StateError unless river could have come to it."""
        ...


Test = TypeVar("Test", bound=BlockTest)


class BlockAlarm(NamedTuple):
    """What a test in drift shows: a `Detection` but for its place."""

    statistic: float
    threshold: float
    direction: Direction
    p_value: float | None = None


class OnBlocks(Generic[Test]):
    """Base of the detectors on blocks, one test per value series; not a method of its own. `Test`: its parameters."""

    name: ClassVar[str]
    by_default: ClassVar[bool]
    # Bytes of a test's state; None: they differ.
    size: ClassVar[int | None] = None

    def __init__(self, context: DetectorContext, parameters: Test, resolved: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._resolved = resolved
        self._blocks = NormalisedBlocks(context)
        self._mark = fingerprint(self.name, _VERSION, context, self._blocks.series, resolved)
        self._tests = [parameters.fresh() for _ in self._blocks.series]

    def look(self, test: Any, z: float) -> BlockAlarm | None:
        """Update a test with the mean of a block; what it shows if that puts it in drift."""
        raise NotImplementedError

    @classmethod
    def build(cls, context: DetectorContext, settings: Mapping[str, Any]) -> Detector:
        """A fresh detector; see the class for the settings. ValueError if one is unknown or out of range."""
        raise NotImplementedError

    @property
    def resolved(self) -> Mapping[str, Any]:
        """All parameters in force as JSON values."""
        return self._resolved

    def update(self, block: PaneBlock) -> list[Detection]:
        """Feed closed panes, in order; a series' test moves when a pane completes a block of it."""
        found = []
        for pane, completed in enumerate(self._blocks.push(block.n, block.values)):
            for position, z in completed:
                alarm = self.look(self._tests[position], z)
                if alarm is not None:
                    # River would begin anew at its next update; doing so now leaves one state fewer to store.
                    self._tests[position] = self._parameters.fresh()
                    found.append(
                        Detection(
                            series=self._blocks.series[position].index,
                            pane=pane,
                            detector=self.name,
                            confirmed=False,
                            **alarm._asdict(),
                        )
                    )
        return found

    def sensitivity(self, events: float, panes: int, remembered: int) -> Sequence[Sensitivity]:  # noqa: ARG002
        """Not told: what becomes of a candidate hangs on what the series did before."""
        return ()

    def rebase(self, series: Sequence[Series]) -> None:
        """Nothing changes: values stay in the units that the tests are in."""

    def snapshot(self) -> bytes:
        """The open blocks, then each test."""
        return seal(self._mark, self._blocks.encode() + joined(map(self._parameters.encode, self._tests), self.size))

    def restore(self, state: bytes) -> None:
        """Take a snapshot of an equal detector. StateError if it doesn't fit, and then nothing has changed."""
        blocks = self._blocks.copy()
        rest = blocks.decode(unseal(self._mark, state))
        tests = [self._parameters.decode(part) for part in parted(rest, len(self._tests), self.size)]
        self._blocks, self._tests = blocks, tests
