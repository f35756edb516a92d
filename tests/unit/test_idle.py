"""When a silent source may be declared idle."""

from __future__ import annotations

from driftgauge.runtime.idle import IdleWatch


def test_nothing_is_raised_before_the_look_back_has_passed():
    watch = IdleWatch(15_000)
    watch.observe(0, [1000])
    assert watch.mark(14_999) is None
    assert watch.mark(15_000) == 1000


def test_a_source_is_raised_to_what_the_fastest_had_reached_then():
    watch = IdleWatch(10_000)
    for now in range(0, 30_000, 1000):
        watch.observe(now, [now * 2, 5])
        watch.mark(now)
    assert watch.mark(29_000) == 19_000 * 2


def test_when_all_are_silent_event_time_goes_on_with_the_clock_that_watched():
    watch = IdleWatch(10_000)
    watch.observe(0, [500])
    watch.observe(60_000, [500])
    assert watch.mark(60_000) == 500 + 50_000


def test_a_burst_after_a_silence_does_not_count_before_it_is_that_old():
    watch = IdleWatch(10_000)
    watch.observe(0, [500])
    watch.observe(60_000, [1_000_000])
    assert watch.mark(61_000) == 500
    assert watch.mark(70_000) == 1_000_000


def test_without_any_watermark_there_is_no_mark():
    watch = IdleWatch(10_000)
    watch.observe(0, [])
    assert watch.mark(100_000) is None
