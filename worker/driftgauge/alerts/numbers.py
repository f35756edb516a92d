"""Numbers, shares and times as an on-call person reads them: short, and never rounded into something untrue."""

from __future__ import annotations

import math

from driftgauge.timestamps import format_timestamp

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_MOST_DIGITS = 4


def percent(share: float, digits: int | None = None) -> str:
    """`0.8 %`, `93 %`; a share that is neither 0 nor 1 never reads `0 %` or `100 %`. NaN: `unknown`."""
    if math.isnan(share):
        return "unknown"
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    rest = min(share, 1 - share)
    if rest < 0.00005:
        return "<0.01 %" if share < 0.5 else ">99.99 %"
    if digits is None:
        digits = 2 if rest < 0.001 else 1 if share < 0.1 or share > 0.99 else 0
    text = f"{share * 100:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def percent_change(before: float, after: float) -> str:
    """`0.8 % → 93 %`, with as many digits as it takes to tell the two apart."""
    shown = percent(before), percent(after)
    for digits in range(1, _MOST_DIGITS + 1):
        if shown[0] != shown[1] or before == after:
            break
        shown = percent(before, digits), percent(after, digits)
    return f"{shown[0]} → {shown[1]}"


def distinct(among: int, repeated: float) -> str:
    """`16.6 distinct values`, of so many events of which the share `repeated` repeats another's value."""
    if math.isnan(repeated):
        return "unknown distinct values"
    return f"{among * (1 - repeated):.3g} distinct value{'s' if round(among * (1 - repeated), 1) != 1 else ''}"


def distinct_change(among: int, before: float, after: float) -> str:
    """`values repeat, 20 → 16.6 distinct ones of 20`."""
    start, end = ("unknown" if math.isnan(x) else f"{among * (1 - x):.3g}" for x in (before, after))
    return f"values repeat, {start} → {end} distinct ones of {among}"


def number(value: float) -> str:
    """Four significant digits: `52,300`, `0.4125`, `1.2e-07`, `3.1e+12`. NaN and infinities: `unknown`."""
    if not math.isfinite(value):
        return "unknown"
    rounded = float(f"{value:.4g}")
    if abs(rounded) >= 1e9:
        return f"{rounded:.4g}"
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:.4g}"


def since(onset: int, now: int) -> str:
    """`since 10:03`, with the date where it isn't the UTC day of `now` (both ms), the date alone at its midnight."""
    date, _, clock = format_timestamp(onset).removesuffix("Z").partition("T")
    if onset // _DAY == now // _DAY:
        return f"since {clock[:5]}"
    return f"since {date}" if onset % _DAY == 0 else f"since {date} {clock[:5]}"


def lasted(ms: int) -> str:
    """`3 h 20 min`, `2 d 4 h`, `45 s`: the two largest units."""
    if ms < _MINUTE:
        return f"{max(ms, 0) // 1000} s"
    parts = [(ms // _DAY, "d"), (ms % _DAY // _HOUR, "h"), (ms % _HOUR // _MINUTE, "min")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)
