"""What a chaos run has to tell."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fault.verdict import Verdict


@dataclass(frozen=True)
class Injected:
    """A fault, or two at a time. Seconds: since the load began, how long it lasted, until all was settled after it.

    `sent`: events that came to the log's producer meanwhile.
    """

    names: tuple[str, ...]
    at: float
    lasted: float
    caught_up: float | None
    sent: int

    def __str__(self) -> str:
        caught_up = "NOT CAUGHT UP" if self.caught_up is None else f"caught up in {self.caught_up:.1f} s"
        return f"{self.at:7.1f} s  {' + '.join(self.names):42} {self.lasted:5.1f} s  {caught_up}, {self.sent:,} events"


@dataclass
class Report:
    """`exits`: codes of workers that had to be started again. `stopped`: of those that ran at the end."""

    seed: int
    seconds: float
    rate: int
    cores: int
    injected: list[Injected] = field(default_factory=list)
    stopped: Sequence[int] = ()
    exits: Sequence[int] = ()
    verdict: Verdict | None = None

    def finish(self, stopped: Sequence[int], exits: Sequence[int], verdict: Verdict) -> None:
        """The run is over."""
        self.stopped, self.exits, self.verdict = stopped, exits, verdict

    @property
    def right(self) -> bool:
        """Nothing wrong in the verdict, everything caught up with in time, all workers ended in order."""
        caught_up = all(entry.caught_up is not None for entry in self.injected)
        return caught_up and set(self.stopped) == {0} and self.verdict is not None and self.verdict.right

    def __str__(self) -> str:
        lines = [f"\n{'fault':42} times  caught up in s: median  worst"]
        for name, times in sorted(self._by_name().items()):
            known = [t for t in times if t is not None] or [float("nan")]
            worst = "never" if None in times else f"{max(known):.1f}"
            lines.append(f"{name:42} {len(times):5}  {statistics.median(known):22.1f}  {worst:>5}")
        exits = ", ".join(f"{count} with {code}" for code, count in sorted(Counter(self.exits).items()))
        lines += [
            f"\n{len(self.injected)} faults in {self.seconds / 60:g} minutes, seed {self.seed}, {self.cores} cores",
            f"workers started again: {len(self.exits)} ({exits}); ended at the end with {list(self.stopped)}",
            str(self.verdict),
            "RIGHT" if self.right else "WRONG",
        ]
        return "\n".join(lines)

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"right": self.right}

    def _by_name(self) -> dict[str, list[float | None]]:
        """Those that came alone, by name, and all that came together as one kind."""
        found: dict[str, list[float | None]] = {}
        for entry in self.injected:
            name = entry.names[0] if len(entry.names) == 1 else "two at a time"
            found.setdefault(name, []).append(entry.caught_up)
        return found
