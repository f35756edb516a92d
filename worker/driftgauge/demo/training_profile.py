"""The model's profile, built from its training data as `driftgauge profile build` would from a file of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftgauge.demo.serving import APPROVED, MODEL_ID, MODEL_VERSION, REJECTED, decide
from driftgauge.demo.story import Training
from driftgauge.profiles.build import Reference, build_profile
from driftgauge.profiles.profile import Profile
from driftgauge.profiles.reference import MISSING_CODE, CodedColumn, Column, NumericColumn

TRAINING_FILE = "training-2025-03.parquet"


def profile_of(training: Training) -> Profile:
    """The profile: raw features, and what the service made of them when they were sent through it before going live.

    The NULLs among them came out as NaN even then: 0.8 % of the scores, too few for anybody to notice.
    """
    made = decide(training.card, training.applicants.features)
    reference = Reference(
        files=[TRAINING_FILE],
        times=training.applicants.times,
        features={name: _column(values) for name, values in training.applicants.features.items()},
        prediction=CodedColumn("string", np.where(made.approved, 0, 1).astype(np.int64), [APPROVED, REJECTED]),
        score=NumericColumn(made.scores),
        actual=CodedColumn("string", np.where(training.applicants.repays, 0, 1).astype(np.int64), [APPROVED, REJECTED]),
    )
    return build_profile(reference, model_id=MODEL_ID, model_version=MODEL_VERSION, positive=APPROVED).profile


def _column(values: NDArray[Any]) -> Column:
    if values.dtype != object:
        return NumericColumn(values.astype(np.float64))
    known = sorted({value for value in values.tolist() if value is not None})
    codes = {None: MISSING_CODE, **{value: code for code, value in enumerate(known)}}
    return CodedColumn("string", np.array([codes[value] for value in values.tolist()], np.int64), known)
