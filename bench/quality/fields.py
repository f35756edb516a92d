"""The fields of the simulated model, and what one pane of them holds: counts per cell, or single values.

A numeric value is a curve (linear, exponential, logistic) of a latent z, so that a shift by one "sd" means the same
for every shape: one standard deviation of z. A category's shift raises the first category's share by so many standard
deviations of its indicator. Counts and values follow the same law, whichever of the two is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtr

from driftgauge.profiles.cells import bin_values
from driftgauge.profiles.layout import Slot
from driftgauge.profiles.profile import CategoricalField, NumericField

Array = NDArray[np.float64]
Category = str | bool


@dataclass(frozen=True)
class Numeric:
    """x = curve(center + scale * z); `tail` is z's law (t3: Student's t with 3 degrees of freedom).

    `missing` and `zeros` are shares of the events without a value, and of the values that are 0.
    """

    name: str
    center: float
    scale: float
    curve: Literal["linear", "exp", "logistic"] = "linear"
    tail: Literal["normal", "t3"] = "normal"
    missing: float = 0.0
    zeros: float = 0.0


@dataclass(frozen=True)
class Categorical:
    """Shares by category, first the one that a shift raises."""

    name: str
    shares: Mapping[Category, float]
    missing: float = 0.0


Field = Numeric | Categorical


@dataclass(frozen=True)
class State:
    """How a field is over P panes: `shift` float64 [P] (sd), and what a fault has done to it.

    `stretch` widens z, `factor` multiplies the values (a change of unit), `held` is the share of the values that are
    `value` instead, `pool` (0: any) is how many values there are, spread as ever (counts know nothing of it), `shares`
    replaces a category's shares, `missing` (None: as the field has it) and `invalid` are shares of all events.
    """

    shift: Array
    stretch: float = 1.0
    factor: float = 1.0
    held: float = 0.0
    value: float = 0.0
    pool: int = 0
    shares: Mapping[Category, float] = field(default_factory=dict)
    missing: float | None = None
    invalid: float = 0.0


def draw_counts(
    of: Field, slot: Slot, state: State, n: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Counts per cell of P panes of n int64 [P] events each, int64 [P, cells of the slot]."""
    values = _numeric_cells(of, slot, state) if isinstance(of, Numeric) else _category_cells(of, slot, state)
    missing = of.missing if state.missing is None else state.missing
    cells = np.zeros((len(n), slot.stop - slot.start))
    cells[:, : values.shape[1]] = values
    if isinstance(of, Numeric):  # bins, missing, invalid, below, above; `values` has its last two at the end
        bins = slot.spec.bins
        cells[:, bins:] = 0.0
        cells[:, bins + 2 :] = values[:, bins:]
    cells *= 1.0 - missing - state.invalid
    cells[:, slot.cell("missing") - slot.start] = missing
    cells[:, slot.cell("invalid") - slot.start] = state.invalid
    cells = np.maximum(cells, 0.0)
    return np.asarray(rng.multinomial(n, cells / cells.sum(axis=1, keepdims=True)), np.int64)


def _numeric_cells(of: Numeric, slot: Slot, state: State) -> Array:
    """Probability of each bin, below and above, float64 [P, B + 2], of a value that is there and valid."""
    spec = slot.spec
    assert isinstance(spec, NumericField)
    bounds = np.array([spec.low, *spec.edges, spec.high])
    z = (_latent(of, bounds / state.factor) - of.center) / of.scale
    z = (z[np.newaxis] - state.shift[:, np.newaxis]) / state.stretch
    below = ndtr(z) if of.tail == "normal" else stdtr(3, z)
    cells = np.concatenate([np.diff(below, axis=1), below[:, :1], 1.0 - below[:, -1:]], axis=1)
    for share, value in ((of.zeros, 0.0), (state.held, state.value)):
        if share:
            cells *= 1.0 - share
            at = int(bin_values(np.array(spec.edges), spec.low, spec.high, np.array([value * state.factor]))[0])
            cells[:, at if at < spec.bins else at - 2] += share
    return cells


def _latent(of: Numeric, x: Array) -> Array:
    """The inverse of the curve; what the curve never reaches is infinitely far away."""
    if of.curve == "linear":
        return x
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.log(np.maximum(x, 0.0)) if of.curve == "exp" else logit(np.clip(x, 0.0, 1.0))
    return np.asarray(inverse, np.float64)


def _category_cells(of: Categorical, slot: Slot, state: State) -> Array:
    spec = slot.spec
    assert isinstance(spec, CategoricalField)
    names, shares = category_shares(of, state)
    known = {name: i for i, name in enumerate(spec.categories)}
    known.update({name: slot.cell("other") - slot.start for name in spec.known_other})
    cells = np.zeros((len(shares), slot.stop - slot.start))
    for i, name in enumerate(names):
        cells[:, known.get(name, slot.cell("unseen") - slot.start)] += shares[:, i]
    return cells


def category_shares(of: Categorical, state: State) -> tuple[list[Category], Array]:
    """The categories, and their shares float64 [P, categories] of the values that are there."""
    base = state.shares or of.shares
    share = np.array(list(base.values()))
    first = next(iter(of.shares.values()))
    weights = np.repeat(share[np.newaxis], len(state.shift), axis=0)
    # d share = share (1 - share) d log-odds.
    weights[:, 0] *= np.exp(state.shift / np.sqrt(first * (1 - first)))
    return list(base), weights / weights.sum(axis=1, keepdims=True)


def draw_values(of: Field, state: State, pane: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """One value per event, float64 [n]; `pane` int64 [n] is the row of `state` that each event belongs to.

    NaN is missing, infinity invalid; a category is its place in `category_shares`.
    """
    size = len(pane)
    if isinstance(of, Numeric):
        z = rng.standard_normal(size) if of.tail == "normal" else rng.standard_t(3, size)
        if state.pool:
            z = ndtri((rng.integers(0, state.pool, size) + 0.5) / state.pool)
        x = of.center + of.scale * (state.shift[pane] + state.stretch * z)
        x = np.exp(x) if of.curve == "exp" else expit(x) if of.curve == "logistic" else x
        for share, value in ((of.zeros, 0.0), (state.held, state.value)):
            if share:
                x = np.where(rng.random(size) < share, value, x)
        x = x * state.factor
    else:
        _, shares = category_shares(of, state)
        x = (rng.random(size)[:, np.newaxis] > np.cumsum(shares, axis=1)[pane, :-1]).sum(axis=1).astype(np.float64)
    missing = of.missing if state.missing is None else state.missing
    chance = rng.random(size)
    x[chance < missing] = np.nan
    x[chance > 1.0 - state.invalid] = np.inf
    return x
