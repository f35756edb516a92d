"""Events without end for two models, in which something breaks and mends every ten minutes of event time.

So there are alerts of every transition to be lost, doubled or altered. Equal seeds give equal events.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import numpy as np

from live import JOBS, START

MODELS = ("loan-approval", "loan-pricing")  # Their panes go to different partitions of two.
EVERY_MS = 200
_BLOCK = 100
_REGIME_MS = 10 * 60_000
# Share of jobs missing, share of jobs never seen, factor of incomes.
_GOOD = (0.008, 0.0, 1.0)
_REGIMES = (_GOOD, (0.6, 0.0, 1.0), _GOOD, (0.008, 0.0, 3.0), _GOOD, (0.008, 0.3, 1.0))


def loan_stream(seed: int = 7, *, every_ms: int = EVERY_MS, start: int = START) -> Iterator[bytes]:
    """Canonical events of the two models in turn, `every_ms` apart."""
    rng = np.random.default_rng(seed)
    for block in itertools.count():
        first = block * _BLOCK
        missing, unseen, factor = _REGIMES[first * every_ms // _REGIME_MS % len(_REGIMES)]
        kinds = rng.choice(5, _BLOCK, p=[missing, unseen, *[(1 - missing - unseen) / 3] * 3])
        incomes = factor * rng.lognormal(10, 0.5, _BLOCK)
        luck = rng.random(_BLOCK)
        for i in range(_BLOCK):
            job = (None, "astronaut", *JOBS)[kinds[i]]
            event = {
                "event_type": "prediction",
                "prediction_id": f"p{first + i}",
                "model_id": MODELS[(first + i) % len(MODELS)],
                "model_version": "7",
                "timestamp": start + (first + i) * every_ms,
                "features": {"employment_type": job, "income": round(float(incomes[i]), 2)},
                "prediction": "rejected" if job is None or luck[i] < 0.2 else "approved",
            }
            yield json.dumps(event).encode()
