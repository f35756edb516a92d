"""Python's collector and the C library's allocator, told what this program is like.

The hot path makes thousands of short-lived objects and arrays per batch, and no cycles. With the defaults the collector
looks through them again and again, and now and then through all that the imports have left; and the allocator hands
memory back to the kernel after every batch, only to have it faulted in again page by page for the next one. Threads get
arenas of their own, from which whole heaps are unmapped whatever is said about trimming, and the Kafka client's I/O
thread is where the largest buffers are made: so there is one arena for all. Measured on the Kafka benchmark, all
together are a quarter of the time per event.
"""

from __future__ import annotations

import ctypes
import gc

_YOUNG = 50_000
_MEBIBYTE = 1 << 20
# mallopt's numbers in glibc's malloc.h: arenas; what is kept of freed memory, asked for in advance, and taken by mmap.
_ALLOCATOR = {-8: 1, -1: 128 * _MEBIBYTE, -2: 16 * _MEBIBYTE, -3: 32 * _MEBIBYTE}


def tune_memory() -> None:
    """Leave what exists by now alone for good, look at new objects less often, and keep freed memory for reuse.

    Call it once, after the imports. Where the C library has no mallopt (musl, macOS, Windows) only the collector is
    told.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 100)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in _ALLOCATOR.items():
        mallopt(parameter, value)
