"""The network between workers and a server: slow, a black hole, cut, or closed to new connections."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random

from services.proxy import Proxy


def slow(proxies: Sequence[Proxy], rng: Random) -> None:
    """Up to a quarter of a second more, each way."""
    delay = rng.uniform(0.05, 0.25)
    for proxy in proxies:
        proxy.delay = delay
    time.sleep(rng.uniform(2, 5))
    _heal(proxies)


def black_hole(proxies: Sequence[Proxy], rng: Random) -> None:
    """Connections stay open and nothing comes through: ended by time-outs only."""
    for proxy in proxies:
        proxy.swallows = True
    time.sleep(rng.uniform(2, 8))
    _heal(proxies)


def cut(proxies: Sequence[Proxy], rng: Random) -> None:
    """RST, several times, and at the end no new connections for a while."""
    for _ in range(rng.randint(1, 5)):
        for proxy in proxies:
            proxy.reset()
        time.sleep(rng.uniform(0.05, 0.5))
    for proxy in proxies:
        proxy.refuses = True
        proxy.reset()
    time.sleep(rng.uniform(0, 2))
    _heal(proxies)


def _heal(proxies: Sequence[Proxy]) -> None:
    for proxy in proxies:
        proxy.heal()
