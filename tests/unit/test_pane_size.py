"""A profile whose panes the topic would not take is refused at the start, with both numbers to change."""

from __future__ import annotations

from builders import small_profile
from driftgauge.config import Config
from driftgauge.engine.problems import problems_of
from driftgauge.profiles.profile import Profile

CONFIG = {
    "kafka": {"bootstrap_servers": ["localhost:9092"]},
    "topics": {"predictions": "in"},
    "models": [{"model_id": "loan-approval", "model_version": "7", "profile": "p.json"}],
}


def wide_profile(features: int) -> Profile:
    small = small_profile()
    wide = {f"{name} {i}": field for i in range(features) for name, field in small.features.items()}
    return small.model_copy(update={"features": wide})


def problems(profile: Profile, **limits: int) -> list:
    return list(problems_of(Config.model_validate(CONFIG | {"limits": limits}), [profile]))


def test_panes_that_fit_are_no_problem():
    assert problems(small_profile()) == []
    assert problems(wide_profile(60)) == []


def test_panes_that_may_not_fit_name_the_setting_and_the_size():
    ((where, message),) = problems(wide_profile(60), max_pane_bytes=8192)
    assert where == ("limits", "max_pane_bytes")
    needed = int(message.split("may take ")[1].split(" bytes")[0])
    assert 8192 < needed < 60_000
    assert "max.message.bytes of ml.driftgauge.panes" in message
    assert problems(wide_profile(60), max_pane_bytes=needed) == []
