"""How a segment moves by itself: as the whole does, or more where its own rows show that.

A twentieth of the rows tells levels and shares well enough, but not how they wander: sampling noise drowns it, and what
is then taken for steady alerts for ever. The whole's rows tell it. What moves the whole moves its parts, in units of
the standard deviation of one event; a part may wander beyond that, which counts as soon as it is certain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from driftgauge.durations import format_duration, parse_duration
from driftgauge.profiles.profile import PsiNoise, ScaleNoise, SeriesNoise, StepNoise
from driftgauge.profiles.series import Series
from driftgauge.profiles.series_plan import PSI_WINDOWS

# So many standard errors of its variance a segment's own wander has to lie above the whole's.
_CERTAIN = 2.0


def lent_noise(whole: Series, own: Series) -> SeriesNoise | None:
    """What a series of the whole was measured to do, in units of the segment's series."""
    if whole.noise is None or whole.sd <= 0:
        return None
    ratio = own.sd / whole.sd
    noise = whole.noise
    return noise.model_copy(
        update={
            "mean": own.reference,
            "variance": noise.variance * ratio**2,
            "season": [min(max(offset * ratio, -1.0), 1.0) for offset in noise.season],
            "scales": [s.model_copy(update={"variance": s.variance * ratio**2}) for s in noise.scales],
            "steps": [s.model_copy(update={"variance": s.variance * ratio**2}) for s in noise.steps],
        }
    )


def joint_noise(own: SeriesNoise | None, lent: SeriesNoise | None, sd: float) -> SeriesNoise | None:
    """Own and lent noise as one, of a series whose events have the standard deviation `sd`.

    The season is the segment's own where it shows one, or else lent.
    """
    if own is None or lent is None:
        return own or lent
    own_events, lent_events = own.mean_n or math.inf, lent.mean_n or math.inf
    # Shorter panes hold more of what averages out.
    more = own.length == lent.length and _is_more(
        own.variance, own_events, own.panes - 1.0, lent.variance - sd**2 / lent_events, sd
    )
    return (own if more else lent).model_copy(
        update={
            "season": own.season or lent.season,
            "scales": _joint_scales(own.scales, lent.scales, sd),
            "steps": _joint_steps(own.steps, lent.steps, sd),
        }
    )


def _joint_steps(own: Sequence[StepNoise], lent: Sequence[StepNoise], sd: float) -> list[StepNoise]:
    """The whole's, or the segment's where those are larger for certain; and what only one of them has."""
    found = {(step.length, step.before): step for step in (*own, *lent)}
    for step in own:
        theirs = found[step.length, step.before]
        wander = theirs.variance - sd**2 / theirs.events
        if theirs is not step and _is_more(step.variance, step.events, step.dof, wander, sd):
            found[step.length, step.before] = step
    return list(found.values())


def _joint_scales(own: Sequence[ScaleNoise], lent: Sequence[ScaleNoise], sd: float) -> list[ScaleNoise]:
    """At every length that either was measured at, the one that wanders more over windows up to so long."""
    found: list[ScaleNoise] = []
    for length in sorted({parse_duration(scale.length) for scale in (*own, *lent)}):
        mine, theirs = _up_to(own, length), _up_to(lent, length)
        if theirs is None or (
            mine is not None
            and _is_more(mine.variance, mine.events, mine.dof, theirs.variance - sd**2 / theirs.events, sd)
        ):
            theirs = mine
        if theirs is not None:
            found.append(theirs.model_copy(update={"length": format_duration(length)}))
    return found


def _up_to(scales: Sequence[ScaleNoise], length: int) -> ScaleNoise | None:
    fitting = [scale for scale in scales if parse_duration(scale.length) <= length]
    return max(fitting, key=lambda scale: parse_duration(scale.length), default=None)


def _is_more(variance: float, events: float, dof: float, wander: float, sd: float) -> bool:
    """Whether a variance, sampling noise of `events` included, shows more than `wander` for certain."""
    return variance * (1 - _CERTAIN * math.sqrt(2 / max(dof, 1.0))) - sd**2 / events > max(wander, 0.0)


def joint_psi(own: Sequence[PsiNoise], whole: Series, segment: Series) -> list[PsiNoise]:
    """The segment's own measured windows where they are enough, else the whole's as of the segment's number of rows.

    `whole`, `segment`: a window series of the field. PSI is sampling noise v chi-squared(dof) and a wander W: given W,
    its mean is v dof + W and its variance 2 v^2 dof + 4 v W. Windows that tile m rows have v = (windows + 1) / m.
    """
    found = {noise.length: noise for noise in own}
    for noise in whole.slot.spec.psi:
        mine = found.get(noise.length)
        if noise.windows < PSI_WINDOWS or (mine is not None and mine.windows >= PSI_WINDOWS):
            continue
        v, dof = (noise.windows + 1) / max(whole.reference_n, 1), _dof(whole)
        wander = max(noise.mean - v * dof, 0.0)
        varies = max(noise.variance - 2 * v**2 * dof - 4 * v * wander, 0.0)
        v, dof = (noise.windows + 1) / max(segment.reference_n, 1), _dof(segment)
        moments = {"mean": v * dof + wander, "variance": 2 * v**2 * dof + 4 * v * wander + varies}
        found[noise.length] = noise.model_copy(update=moments)
    return sorted(found.values(), key=lambda noise: parse_duration(noise.length))


def _dof(series: Series) -> int:
    """Cells that hold a value of the reference, less one: those of values, and `other`."""
    spec = series.slot.spec
    valid = spec.counts[: spec.bins + (1 if spec.type == "categorical" else 0)]
    return max(sum(count > 0 for count in valid) - 1, 1)
