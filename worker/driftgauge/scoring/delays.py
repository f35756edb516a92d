"""Delays until found, with what was never found as longer than it was watched (Kaplan & Meier 1958)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

MEDIAN, P90 = Fraction(1, 2), Fraction(9, 10)


class Quantile(NamedTuple):
    """A quantile in ms. `at` None: not reached; it is longer than `beyond` then, if anything was watched at all."""

    at: int | None
    beyond: int | None


def quantile(found: Sequence[int], missed: Sequence[int], q: Fraction) -> Quantile:
    """The delay within which a share q of all incidents would have been found, had they lasted.

    `found`: delays; `missed`: for how long each of the others was watched without it; ms. The smallest delay at which
    the product-limit estimate of the share not yet found is at most 1 - q, in whole fractions: four delays of which two
    are up to 5 min have a median of 5 min, not of the third. Of a delay and a miss at the same time the delay is first.
    """
    unfound = Fraction(1)
    for delay in sorted(set(found)):
        watched = sum(other >= delay for other in (*found, *missed))
        unfound *= Fraction(watched - found.count(delay), watched)
        if unfound <= 1 - q:
            return Quantile(delay, None)
    return Quantile(None, max((*found, *missed), default=None))
