"""How many files may be open at once: a replay of many reads them side by side."""

from __future__ import annotations

import resource

from driftgauge.errors import InputError

# Of everything else: libraries, outputs, pipes, connections.
_OTHERS = 100


def allow_open_files(count: int) -> None:
    """Raise this process's own limit as far as it has to be and may be. InputError if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + _OTHERS
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise InputError(
            f"{count:,} files are read side by side, and this process may open {hard:,} at once: raise that limit "
            "(ulimit -Hn), join the files, or share them among --workers"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
