"""Signals that stop a backtest as Ctrl-C does: with a summary of what was found so far."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What schedulers, containers and closed terminals send.
_STOPPING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """KeyboardInterrupt where they come, as long as it lasts. Signals are the main thread's alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Whoever has us ignore one (nohup) means it.
    heeded = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, signal.default_int_handler) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
