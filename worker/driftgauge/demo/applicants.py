"""Who applies, and when: made-up applicants with a daily season in traffic and, mildly, in the mix.

The first step of the story, for training and production alike. Everything is drawn by inverse transform from tables
with plain arithmetic, so that a seed gives the same applicants on every machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000
# An application may come every quarter of a second; whether one does goes by the hour.
_SLOT = 250
_SLOTS = HOUR // _SLOT
_PER_MINUTE = (
    *(48, 42, 40, 40, 44, 52, 66, 84, 106, 112, 118, 118),
    *(114, 112, 114, 116, 116, 114, 112, 110, 108, 92, 74, 58, 48),
)
# At night a little more students and self-employed apply: 0 at noon, 1 at midnight.
_NIGHT = (1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1)

EMPLOYMENT_TYPES = ("employed", "self_employed", "public_sector", "retired", "student", "unemployed")
_BY_DAY = np.array([0.58, 0.14, 0.10, 0.09, 0.05, 0.04])
_BY_NIGHT = np.array([0.56, 0.15, 0.09, 0.08, 0.07, 0.05])
# Applicants leave the field empty; the training data have the same share of NULL.
NULL_SHARE = 0.008
_INCOME_FACTOR = np.array([1.0, 1.15, 1.05, 0.7, 0.35, 0.4])
_RISK = np.array([0.0, 0.5, -0.5, -0.2, 0.6, 1.4])

LOAN_PURPOSES = ("car", "home_improvement", "debt_consolidation", "education", "other")
_PURPOSE_SHARES = np.array([0.31, 0.25, 0.24, 0.08, 0.12])
_PURPOSE_RISK = np.array([0.0, -0.2, 0.5, 0.1, 0.2])

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_INCOME = (9_000, 17_000, 29_000, 41_000, 58_000, 98_000, 240_000)
_DEBT_RATIO = (0.02, 0.08, 0.18, 0.27, 0.38, 0.55, 0.95)
_AGE = (18, 22, 30, 39, 50, 62, 70)
_YEARS_AT_ADDRESS = (0, 0.5, 2, 5, 11, 25, 45)
_LOAN_AMOUNT = (1_000, 2_500, 6_000, 11_000, 18_000, 32_000, 60_000)

Floats = NDArray[np.float64]


class Applicants(NamedTuple):
    """n applicants as columns, by time.

    `times` int64 ms; `employment_type` and `loan_purpose` objects, text or None; whole numbers int64, others float64;
    `repays` bool: how the loan ends.
    """

    times: NDArray[np.int64]
    employment_type: NDArray[Any]
    income: NDArray[np.int64]
    debt_ratio: Floats
    age: NDArray[np.int64]
    years_at_address: Floats
    loan_amount: NDArray[np.int64]
    loan_purpose: NDArray[Any]
    repays: NDArray[np.bool_]

    @property
    def features(self) -> dict[str, NDArray[Any]]:
        """The columns that the model is given, by name."""
        return {name: column for name, column in self._asdict().items() if name not in ("times", "repays")}


def draw_hour(generator: np.random.Generator, start: int) -> Applicants:
    """The applicants of the hour that begins at `start` (ms), by time."""
    slots = np.arange(_SLOTS)
    hour = start // HOUR % 24 + slots / _SLOTS
    chance = np.interp(hour, range(25), _PER_MINUTE) * (_SLOT / 60_000)
    taken = np.flatnonzero(generator.random(_SLOTS) < chance)
    times = start + taken * _SLOT + (generator.random(len(taken)) * _SLOT).astype(np.int64)
    night = np.interp(hour[taken], range(25), _NIGHT)
    return _draw(generator.random((9, len(taken))), times, night)


def _draw(u: Floats, times: NDArray[np.int64], night: Floats) -> Applicants:
    kind = _pick(u[0], _BY_DAY + night[:, None] * (_BY_NIGHT - _BY_DAY))
    purpose = _pick(u[1], np.broadcast_to(_PURPOSE_SHARES, (len(times), len(_PURPOSE_SHARES))))
    employment = np.array(EMPLOYMENT_TYPES, object)[kind]
    employment[u[2] < NULL_SHARE] = None
    income = np.round(_table(u[3], _INCOME) * _INCOME_FACTOR[kind] / 100) * 100
    loan = np.round(_table(u[4], _LOAN_AMOUNT) * (1 + 0.02 * night) / 100) * 100
    debt = np.round(np.minimum(_table(u[5], _DEBT_RATIO) + 0.05 * loan / (income + 10_000), 1.0), 3)
    retired, student = kind == EMPLOYMENT_TYPES.index("retired"), kind == EMPLOYMENT_TYPES.index("student")
    age = np.where(retired, 60 + 22 * u[6], np.where(student, 18 + 12 * u[6], _table(u[6], _AGE)))
    age = np.floor(age)
    years = np.round(np.minimum(_table(u[7], _YEARS_AT_ADDRESS), age - 17), 1)
    risk = -2.3 + _RISK[kind] + _PURPOSE_RISK[purpose] + 3.0 * (debt - 0.3) - 0.02 * (age - 40) - 0.03 * (years - 5)
    risk += 0.8 * (np.minimum(loan / income, 2.0) - 0.3) - 0.02 * (np.minimum(income, 100_000) / 1000 - 45)
    repays = u[8] >= 1 / (1 + np.exp(-risk))
    return Applicants(
        times,
        employment,
        income.astype(np.int64),
        debt,
        age.astype(np.int64),
        years,
        loan.astype(np.int64),
        np.array(LOAN_PURPOSES, object)[purpose],
        repays,
    )


def _pick(u: Floats, shares: Floats) -> NDArray[np.int64]:
    """Index of the share that u falls into; `shares` float64 [n, k], rows sum to 1."""
    chosen = (u[:, None] >= np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(chosen, np.int64)


def _table(u: Floats, values: tuple[float, ...]) -> Floats:
    return np.asarray(np.interp(u, _QUANTILES, values), np.float64)
