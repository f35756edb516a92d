"""The detection methods, one per file and one line here each, in the order in which their detections are listed."""

from __future__ import annotations

from driftgauge.detect.detectors.adwin import Adwin
from driftgauge.detect.detectors.ddm import Ddm
from driftgauge.detect.detectors.eddm import Eddm
from driftgauge.detect.detectors.fhddm import Fhddm
from driftgauge.detect.detectors.hddm_a import HddmA
from driftgauge.detect.detectors.hddm_w import HddmW
from driftgauge.detect.detectors.kswin import Kswin
from driftgauge.detect.detectors.mosum import Mosum
from driftgauge.detect.detectors.multiscale import MultiScale
from driftgauge.detect.detectors.page_hinkley import PageHinkley
from driftgauge.detect.detectors.psi import Psi
from driftgauge.detect.detectors.shiryaev_roberts import ShiryaevRoberts
from driftgauge.detect.registry import registry

DETECTORS = registry(
    ShiryaevRoberts,
    Adwin,
    PageHinkley,
    MultiScale,
    Mosum,
    Psi,
    Kswin,
    Ddm,
    Eddm,
    HddmA,
    HddmW,
    Fhddm,
)
