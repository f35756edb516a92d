"""What a restarted worker does with its state, and with the panes topic, when the configuration has changed since."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from builders import MINUTE, SOURCE, SUBJECT, records, small_ingest, small_profile
from driftgauge.alerts.stage import DetectStage
from driftgauge.config import AlertsConfig, LimitsConfig, PanesConfig
from driftgauge.engine.detect import stage_of
from driftgauge.engine.model import Model
from driftgauge.engine.profiled import model_of
from driftgauge.engine.settings import EngineSettings
from driftgauge.errors import StateError
from driftgauge.ingest.snapshot import restore, snapshot
from driftgauge.panes.messages import PartialPane, Sources, Watermark
from driftgauge.profiles.profile import Profile

START = 1_000 * MINUTE


def model(profile: Profile | None = None, *, pane: int = MINUTE, budget: float = 1.0, **detectors) -> Model:
    settings = EngineSettings.of(PanesConfig(), AlertsConfig(), LimitsConfig(), detectors)
    return model_of(profile or small_profile(), settings, pane_length=pane, budget=budget)


def partial(of: Model, start: int) -> PartialPane:
    counts = np.zeros(of.layout.size, np.int64)
    for slot in of.layout.slots:
        counts[slot.start] = 10
    return PartialPane(of.subject, of.layout.profile_hash, start, of.pane_length, SOURCE, counts, 10, 0, 9)


def feed(stage: DetectStage, of: Model, panes: int = 5, start: int = START) -> None:
    """`panes` closed panes and an open one."""
    stage.process([Sources((SOURCE,)), *(partial(of, start + i * of.pane_length) for i in range(panes + 1))])
    stage.process([Watermark(SOURCE, start + panes * of.pane_length, 50, 50, 0)])


def stored(*models: Model) -> dict[str, bytes]:
    stage = stage_of(models)
    for entry in models:
        feed(stage, entry)
    return stage.changes()[0]


def other_profile() -> Profile:
    """Same shape, other reference."""
    changed = small_profile().model_copy(deep=True)
    feature = changed.features["job"].model_copy(update={"counts": [600, 392, 0, 8, 0, 0]})
    return changed.model_copy(update={"features": {**changed.features, "job": feature}})


def test_a_profile_of_the_same_shape_does_not_take_over_the_past_of_another():
    fields = {name: data for name, data in stored(model()).items() if not name.startswith("open/")}
    with pytest.raises(StateError, match=r"the past of loan-approval/7 was counted with another profile"):
        stage_of([model(other_profile())]).restore(fields)


def test_an_open_pane_of_another_profile_or_length_is_refused():
    fields = stored(model())
    with pytest.raises(StateError, match="an open pane of loan-approval/7 was counted with profile"):
        stage_of([model(other_profile())]).restore(fields)
    with pytest.raises(StateError, match=r"over 60000 ms, but configured are .* panes of 10000 ms"):
        stage_of([model(pane=10_000)]).restore(fields)


def test_other_detector_settings_are_refused_with_the_detector_named():
    with pytest.raises(StateError, match=r"loan-approval/7: shiryaev_roberts: .*other parameters"):
        stage_of([model(budget=2.0)]).restore(stored(model()))


def test_a_model_that_is_not_configured_any_more_is_left_behind_and_its_fields_deleted():
    gone, kept = model(), model(small_profile("8"))
    fields = stored(gone, kept)
    stage = stage_of([kept])
    stage.restore(fields)
    left, deleted = stage.changes()
    assert not [name for name in left if name.startswith('["loan-approval","7"')]
    of_gone = {name for name in fields if name.startswith('["loan-approval","7"')}
    assert of_gone
    assert set(deleted) == of_gone
    assert stage.changes()[1] == []
    # The other one goes on as if nothing had happened.
    assert [n for n in left if n.startswith("open/")] == [f'open/["loan-approval","8",""]/{START + 5 * MINUTE}']


def test_a_detector_that_is_switched_on_starts_fresh_and_one_switched_off_leaves_no_state():
    without, all_of_them = model(adwin={"enabled": False}), model()
    stage = stage_of([all_of_them])
    stage.restore(stored(without))
    assert '["loan-approval","7",""]detector/adwin' in stage.changes()[0]
    stage = stage_of([without])
    stage.restore(stored(all_of_them))
    assert stage.changes()[1] == ['["loan-approval","7",""]detector/adwin']


def test_partials_of_another_profile_pane_length_or_model_never_reach_a_detector():
    ours = model()
    stage = stage_of([ours])
    foreign = (model(other_profile()), model(pane=10_000), model(small_profile("8")))
    stage.process([partial(entry, START) for entry in foreign])
    assert stage.foreign == 3
    assert stage.merge.open == {}
    feed(stage, ours)
    assert stage.panes_closed == 5


def test_ingest_refuses_open_panes_of_another_length_even_where_they_would_fit():
    ingest = small_ingest()
    ingest.process(records([START, START + 1]))
    with pytest.raises(StateError, match=r"over 60000 ms, but configured are .* panes of 10000 ms"):
        restore(small_ingest(pane=10_000), snapshot(ingest))


def test_ingest_drops_open_panes_of_a_model_that_is_not_configured_any_more():
    ingest = small_ingest()
    ingest.process(records([START, START + 1]))
    state = snapshot(ingest)
    other = small_ingest()
    other.plans = {SUBJECT._replace(model_version="8"): other.plans[SUBJECT]}
    restore(other, state)
    assert other.open == {}
    assert (other.position, other.watermark) == (ingest.position, ingest.watermark)


def test_ingest_goes_on_from_the_state_of_the_version_before():
    ingest = small_ingest()
    ingest.process(records([START, START + 1]))
    version, *fields, recount_to = msgspec.msgpack.decode(snapshot(ingest))
    assert (version, recount_to) == (4, 0)
    again = small_ingest()
    restore(again, msgspec.msgpack.encode([3, *fields]))
    assert snapshot(again) == snapshot(ingest)
    with pytest.raises(StateError, match="version 2"):
        restore(small_ingest(), msgspec.msgpack.encode([2, *fields]))
