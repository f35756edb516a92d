"""The verdict is worth something: right about an undisturbed run, wrong about workers that break what it rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from live import wait

BROKEN = str(Path(__file__).with_name("broken_worker.py"))


def test_an_undisturbed_run_is_right(deploy):
    line = deploy(kafka={"session_timeout": "5m"})
    line.send(24_000)
    worker = line.start()
    line.wait_until_caught_up()
    assert worker.terminate() == 0
    verdict = line.verdict()
    assert verdict.right, verdict
    assert verdict.events == 24_000
    assert verdict.panes > 400
    assert verdict.alerts > 20
    assert verdict.duplicates == {"panes": 0, "alerts": 0, "dead letters": 0}


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        ("counts_twice", "pane with other content"),
        # Panes or alerts: what was to be published last.
        ("saved_before_published", "missing"),
        ("chance_in_alerts", "alert with other content"),
    ],
)
def test_a_worker_that_breaks_a_rule_and_crashes_is_found_out(deploy, fault, noticed):
    line = deploy()
    with line.flowing(3000):
        first = line.start(program=[BROKEN, fault])
        wait(lambda: line.ends(line.panes), lambda ends: sum(ends.values()) > 300, [first])
        first.kill()
        second = line.start(program=[BROKEN, fault])
        line.wait_until_owned(second)
    line.wait_until_caught_up()
    second.kill()
    verdict = line.verdict()
    assert not verdict.right
    assert any(noticed in problem for problem in verdict.problems), verdict
