"""Wall and CPU time by stage, of code that runs unchanged.

Methods of the real classes are wrapped while a measurement lasts, once per batch, which costs nothing beside thousands
of events. A stage's time is its own: what it calls that is a stage too is charged there. CPU is the whole process's,
so that the clients' I/O threads count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
REST = "rest"


class Instant(NamedTuple):
    """Wall and CPU clock, ns."""

    wall: int
    cpu: int


def instant() -> Instant:
    """Now."""
    return Instant(time.perf_counter_ns(), time.process_time_ns())


class StageClock:
    """Nanoseconds by stage since `start`; everything outside of any stage is `rest`."""

    def __init__(self) -> None:
        self.stages: dict[str, Instant] = {}
        self._stack = [REST]
        self._mark = Instant(0, 0)

    def start(self, at: Instant | None = None) -> None:
        """Forget everything before now, or before `at`."""
        self.stages = {}
        self._mark = at or instant()

    def stop(self) -> dict[str, Instant]:
        """Time by stage until now. May be called again for a later end."""
        self._charge()
        return dict(self.stages)

    def wrap(self, function: Callable[..., T], stage: str) -> Callable[..., T]:
        """`function`, its time charged to `stage`."""

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> T:
            self._enter(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._leave()

        return timed

    def iterate(self, items: Iterable[T], stage: str) -> Iterator[T]:
        """`items`, the time their making takes charged to `stage`."""
        iterator = iter(items)
        following = self.wrap(lambda: next(iterator, None), stage)
        while (item := following()) is not None:
            yield item

    @contextmanager
    def watching(self, *methods: tuple[type, str, str]) -> Iterator[None]:
        """While inside, calls of each (class, method, stage) are charged to the stage."""
        with replaced(*((owner, name, self.wrap(getattr(owner, name), stage)) for owner, name, stage in methods)):
            yield

    def _enter(self, stage: str) -> None:
        self._charge()
        self._stack.append(stage)

    def _leave(self) -> None:
        self._charge()
        self._stack.pop()

    def _charge(self) -> None:
        now, mark, stage = instant(), self._mark, self._stack[-1]
        before = self.stages.get(stage, Instant(0, 0))
        self.stages[stage] = Instant(before.wall + now.wall - mark.wall, before.cpu + now.cpu - mark.cpu)
        self._mark = now


@contextmanager
def replaced(*methods: tuple[type, str, Callable[..., Any]]) -> Iterator[None]:
    """While inside, each (class, method) is another function; afterwards what it was."""
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in methods]
    for owner, name, function in methods:
        setattr(owner, name, function)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
