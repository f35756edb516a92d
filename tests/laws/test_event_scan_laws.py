"""Detectors on events give river's own alarms and end in river's own state, however the values are cut into scans."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftgauge.detect.detectors.ddm import DdmTest
from driftgauge.detect.detectors.eddm import EddmTest
from driftgauge.detect.detectors.fhddm import FhddmTest
from driftgauge.detect.detectors.hddm_a import HddmATest
from driftgauge.detect.detectors.hddm_w import HddmWTest
from driftgauge.detect.events.adwin import AdwinScanner
from driftgauge.detect.events.binary import BinaryScanner
from driftgauge.detect.events.page_hinkley import PageHinkleyScanner
from driftgauge.detect.river_state import PAGE_HINKLEY_SIZE, AdwinParameters, PageHinkleyParameters
from driftgauge.detect.state_parts import joined
from driftgauge.errors import StateError

law = settings(max_examples=25)


@dataclass(frozen=True)
class Method:
    """A detector's scanner, river's own objects beside it, and their state in the scanner's form."""

    parameters: Any
    binary: bool

    def scanner(self, streams: int) -> Any:
        if isinstance(self.parameters, AdwinParameters):
            return AdwinScanner(self.parameters, streams)
        if isinstance(self.parameters, PageHinkleyParameters):
            return PageHinkleyScanner(self.parameters, streams)
        return BinaryScanner(self.parameters, streams, inverted=self.inverted)

    @property
    def inverted(self) -> bool:
        return isinstance(self.parameters, FhddmTest)

    def encoded(self, tests: list[Any]) -> bytes:
        size = PAGE_HINKLEY_SIZE if isinstance(self.parameters, PageHinkleyParameters) else None
        return joined(map(self.parameters.encode, tests), size)

    def by_river(self, streams: list[np.ndarray]) -> tuple[list[tuple[int, int]], bytes]:
        """Alarms (stream, index) of river's objects updated value by value, and their state at the end."""
        alarms, tests = [], []
        for stream, values in enumerate(streams):
            test = self.parameters.fresh()
            for at, value in enumerate((1 - values if self.inverted else values).tolist()):
                test.update(value)
                if test.drift_detected:
                    alarms.append((stream, at))
            # A test in drift begins anew with its next value; it is stored as such.
            tests.append(self.parameters.fresh() if test.drift_detected else test)
        return alarms, self.encoded(tests)


adwin = st.builds(
    AdwinParameters,
    st.sampled_from([1e-6, 1e-4, 0.002, 0.3]),
    st.sampled_from([1, 4, 32]),
    st.integers(2, 8),
    st.sampled_from([1, 5, 20]),
    st.sampled_from([1, 10, 50]),
)
page_hinkley = st.builds(
    PageHinkleyParameters,
    st.sampled_from([1, 30, 200]),
    st.sampled_from([0.0, 0.005, 0.25]),
    st.sampled_from([0.5, 10.0, 30.0]),
    st.sampled_from([1.0, 0.9999, 0.5]),
    st.sampled_from(["up", "down", "both"]),
)
confidence = st.sampled_from([1e-6, 0.001, 0.2])
window = st.sampled_from([2, 25, 100])
binary = st.one_of(
    st.builds(DdmTest, st.sampled_from([1, 30]), st.sampled_from([1.0, 3.0])),
    st.builds(EddmTest, st.sampled_from([1, 30]), st.sampled_from([0.5, 0.9, 0.97])),
    st.builds(HddmATest, confidence, st.booleans()),
    st.builds(HddmWTest, confidence, st.sampled_from([0.05, 1.0]), st.booleans()),
    st.builds(FhddmTest, window, confidence, st.sampled_from([0, 2])),
)
methods = st.one_of(
    st.builds(Method, adwin, st.just(False)),
    st.builds(Method, page_hinkley, st.just(False)),
    st.builds(Method, binary, st.just(True)),
)


@st.composite
def streams_of(draw: st.DrawFn, method: Method, longest: int = 900) -> list[np.ndarray]:
    """Streams of a few regimes each, of different lengths, some of them empty."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    streams = []
    # Page-Hinkley goes through few streams one by one, through many at once.
    for _ in range(draw(st.sampled_from([1, 5, 12, 20]))):
        length, changes = draw(st.integers(0, longest)), draw(st.integers(1, 3))
        part = np.arange(length) * changes // max(length, 1)
        if method.binary:
            rates = rng.choice([0.0, 0.05, 0.3, 0.9, 1.0], changes)
            streams.append((rng.random(length) < rates[part]).astype(np.int64))
        else:
            levels = rng.choice([0.0, 0.5, -2.0], changes)
            noise = rng.choice([0.0, 0.3, 1.0])
            streams.append(np.clip(levels[part] + noise * rng.standard_normal(length), -4, 4))
    return streams


def scanned(method: Method, streams: list[np.ndarray], cuts: list[int], *, restart: bool) -> tuple[Any, bytes]:
    scanner, alarms = method.scanner(len(streams)), []
    bounds = [0, *sorted(cuts), max(len(values) for values in streams)]
    for begin, end in pairwise(bounds):
        found = scanner.scan([values[begin:end] for values in streams])
        alarms += [alarm._replace(at=alarm.at + begin) for alarm in found]
        if restart:
            state, scanner = scanner.encode(), method.scanner(len(streams))
            scanner.decode(state)
            assert scanner.encode() == state
    return sorted(alarms), scanner.encode()


@law
@given(data=st.data(), method=methods)
def test_scans_equal_river_value_by_value(data: st.DataObject, method: Method) -> None:
    streams = data.draw(streams_of(method))
    alarms, state = method.by_river(streams)
    found, reached = scanned(method, streams, [], restart=False)
    assert [(alarm.stream, alarm.at) for alarm in found] == alarms
    assert reached == state
    assert all(np.isfinite([alarm.statistic, alarm.threshold]).all() for alarm in found)


@law
@given(data=st.data(), method=methods, cuts=st.lists(st.integers(0, 900), max_size=8), restart=st.booleans())
def test_scans_of_any_size_and_restarts_give_the_same_to_the_last_bit(
    data: st.DataObject, method: Method, cuts: list[int], *, restart: bool
) -> None:
    streams = data.draw(streams_of(method))
    assert scanned(method, streams, cuts, restart=restart) == scanned(method, streams, [], restart=False)


@settings(max_examples=150)
@given(data=st.data(), method=methods)
def test_forged_state_is_refused_or_harmless(data: st.DataObject, method: Method) -> None:
    """Refused, or taken and never an error later, nor a panic of river's."""
    streams = data.draw(streams_of(method, longest=300))
    scanner = method.scanner(len(streams))
    scanner.scan(streams)
    state = bytearray(scanner.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(state) - 1)))
        forged = data.draw(
            st.sampled_from(
                [b"", b"\0", b"\1", b"\x7f", b"\xff", b"\xff" * 8, b"\0" * 8, b"\1" + b"\0" * 7]
                + [np.float64(x).tobytes() for x in (-1.0, 1.0, 0.5, -0.0, np.nan, np.inf, 1e308, 2.0**60)]
            )
        )
        state[at : at + len(forged)] = forged
    if data.draw(st.booleans()):
        del state[data.draw(st.integers(0, len(state))) :]
    fresh = method.scanner(len(streams))
    untouched = fresh.encode()
    try:
        fresh.decode(bytes(state))
    except StateError:
        assert fresh.encode() == untouched
        return
    for _ in range(3):
        found = fresh.scan(streams)
        assert all(np.isfinite([alarm.statistic, alarm.threshold]).all() for alarm in found)
    method.scanner(len(streams)).decode(fresh.encode())


@pytest.mark.parametrize(
    ("method", "rates"),
    [
        (Method(DdmTest(30, 3.0), binary=True), (0.05, 0.5)),
        (Method(EddmTest(30, 0.9), binary=True), (0.05, 0.5)),
        (Method(HddmATest(0.001, two_sided_test=True), binary=True), (0.5, 0.05)),
        (Method(HddmWTest(0.001, 0.05, two_sided_test=True), binary=True), (0.5, 0.05)),
        (Method(FhddmTest(100, 1e-6, 0), binary=True), (0.05, 0.5)),
        (Method(FhddmTest(100, 1e-6, 20), binary=True), (0.05, 0.9)),
        (Method(AdwinParameters(1e-4, 32, 5, 5, 10), binary=False), (0.05, 0.5)),
        (Method(PageHinkleyParameters(30, 0.25, 30.0, 1.0, "both"), binary=False), (0.5, 2.0)),
    ],
)
def test_a_change_is_found_on_its_side(method: Method, rates: tuple[float, float]) -> None:
    """Keeps the laws above from holding because nothing ever alarms."""
    rng = np.random.default_rng(5)
    parts = [(rng.random(1000) < r).astype(np.int64) if method.binary else rng.normal(r, 0.3, 1000) for r in rates]
    found = method.scanner(1).scan([np.concatenate(parts)])
    assert [alarm for alarm in found if alarm.at >= 1000]
    after = next(alarm for alarm in found if alarm.at >= 1000)
    assert after.at < 1400
    assert after.direction == ("up" if rates[1] > rates[0] else "down")
