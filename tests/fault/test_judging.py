"""The verdict by itself: whatever is taken away from what a log means, added to it or altered in it is told."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from driftgauge.config import Config
from driftgauge.records import Source
from driftgauge.state.base import Checkpoint
from fault.load import MODELS, loan_stream
from fault.recompute import Decision, Recomputation
from fault.verdict import Outcome, judge
from live import START

MINUTE = 60_000
INPUTS = [Source("in", i) for i in range(3)]


@pytest.fixture(scope="module")
def config():
    return Config.model_validate(
        {
            "kafka": {"bootstrap_servers": ["localhost:9092"], "group_id": "g"},
            "topics": {"predictions": "in", "panes": "panes"},
            "panes": {"out_of_orderness": "5s", "partitions": 2},
            "models": [{"model_id": m, "model_version": "7", "profile": "p.json"} for m in MODELS],
            "alerts": {"resolve_after_panes": 3},
        }
    )


@pytest.fixture(scope="module")
def log():
    """Half an hour of the load, and a record that is no event."""
    values = [*itertools.islice(loan_stream(), 9000), b"no event"]
    return {source: [_record(i, v) for i, v in enumerate(values[source.partition :: 3])] for source in INPUTS}


@pytest.fixture
def meaning(config, models, log):
    return _meaning(config, models, log)


@pytest.fixture
def outcome(meaning):
    """A run that did everything right."""
    return Outcome(
        panes=[_record(i, value) for i, value in enumerate(meaning.panes.values())],
        alerts=[_alert(event_id, value) for event_id, value in meaning.alerts.items()],
        letters=[SimpleNamespace(value=v, headers=h) for v, h in meaning.letters.values()],
        checkpoints={s: Checkpoint(3001 if s == INPUTS[0] else 3000, meaning.states[s]) for s in INPUTS},
        ends={s: 3001 if s == INPUTS[0] else 3000 for s in INPUTS},
    )


def test_a_run_that_did_everything_right_is_right_and_repeats_are_counted(meaning, outcome):
    assert judge(meaning, outcome).right
    twice = replace(outcome, panes=[*outcome.panes, outcome.panes[3]], alerts=[*outcome.alerts, outcome.alerts[0]])
    verdict = judge(meaning, twice)
    assert verdict.right
    assert verdict.duplicates == {"panes": 1, "alerts": 1, "dead letters": 0}
    assert (verdict.events, verdict.letters) == (9000, 1)
    assert verdict.panes > 100
    assert verdict.alerts > 5


@pytest.mark.parametrize("kind", ["panes", "alerts", "letters"])
def test_what_is_missing_is_told(meaning, outcome, kind):
    (problem,) = judge(meaning, replace(outcome, **{kind: getattr(outcome, kind)[1:]})).problems
    assert problem.startswith("1 ")
    assert "missing" in problem


@pytest.mark.parametrize("kind", ["panes", "alerts"])
def test_what_the_log_does_not_give_is_told(config, models, log, outcome, kind):
    shorter = _meaning(config, models, {source: records[:1500] for source, records in log.items()})
    problems = judge(shorter, outcome).problems
    assert any("that the log doesn't give" in problem and kind[:-1] in problem for problem in problems)


def test_a_pane_with_another_count_is_told_with_the_place_where_it_differs(meaning, outcome):
    altered = outcome.panes[5].value.replace(b'"events":', b'"events":1')
    (problem, where) = judge(meaning, replace(outcome, panes=_with(outcome.panes, 5, altered))).problems
    assert problem.startswith("1 pane with other content")
    assert '"events":1' in where


def test_of_two_unlike_panes_of_a_place_the_first_counts_and_that_they_are_unlike_is_told(meaning, outcome):
    altered = _record(0, outcome.panes[5].value.replace(b'"events":', b'"events":1'))
    (problem,) = judge(meaning, replace(outcome, panes=[*outcome.panes, altered])).problems
    assert problem.startswith("1 pane with unlike copies")
    problems = judge(meaning, replace(outcome, panes=[altered, *outcome.panes])).problems
    assert any(problem.startswith("1 pane with other content") for problem in problems)


def test_a_pane_that_the_wall_clock_has_closed_may_have_another_copy_after_that(meaning, outcome):
    pane = json.loads(outcome.panes[5].value)
    altered = _record(0, outcome.panes[5].value.replace(b'"events":', b'"events":1'))
    end = pane["start"] + pane["length"]
    other = pane["source"] | {"partition": (pane["source"]["partition"] + 1) % len(INPUTS)}

    def told(**watermark) -> list[str]:
        fields = {"type": "watermark", "source": pane["source"], "time": end, "next_offset": 1, "idle": True}
        decision = _record(0, json.dumps(fields | watermark).encode())
        return judge(meaning, replace(outcome, panes=[*outcome.panes, decision, altered])).problems

    assert told() == []
    assert told(time=end + 1) == []
    for unrelated in ({"idle": False}, {"time": end - 1}, {"source": other}):
        (problem,) = told(**unrelated)
        assert problem.startswith("1 pane with unlike copies")


def test_a_repeated_alert_that_says_something_else_is_told(meaning, outcome):
    later = _alert(next(iter(meaning.alerts)), outcome.alerts[0].value.replace(b"Z", b"z"))
    (problem,) = judge(meaning, replace(outcome, alerts=[*outcome.alerts, later])).problems
    assert problem.startswith("1 alert with unlike copies")


def test_a_checkpoint_that_is_behind_or_holds_another_state_is_told(meaning, outcome):
    right = outcome.checkpoints[INPUTS[0]]
    for wrong in (None, replace(right, position=2990), replace(right, fields={"ingest": b"other"})):
        (problem,) = judge(meaning, replace(outcome, checkpoints=outcome.checkpoints | {INPUTS[0]: wrong})).problems
        assert str(INPUTS[0]) in problem


def test_an_idle_decision_is_carried_out_where_it_was_taken(config, models, log):
    # Offset 500 is of 00:05. What the source brings from there on for panes up to 00:10 is late, and in no pane.
    decided = _meaning(config, models, log, {INPUTS[1]: [Decision(500, START + 10 * MINUTE)]})
    plain = _meaning(config, models, log)
    assert {p for p in plain.panes if p not in decided.panes} == {
        p for p in plain.panes if p.source == INPUTS[1] and 5 <= (p.start - START) / MINUTE < 10
    }


def _meaning(config, models, log, decisions=None):
    recomputed = Recomputation(config, list(models.values()), INPUTS, decisions or {})
    recomputed.advance(log)
    return recomputed.meaning


def _record(offset, value):
    return SimpleNamespace(offset=offset, timestamp=0, value=value, key=None, headers=())


def _alert(event_id, value):
    return SimpleNamespace(value=value, headers=[("event_id", event_id.encode())])


def _with(records, i, value):
    return [*records[:i], _record(i, value), *records[i + 1 :]]
