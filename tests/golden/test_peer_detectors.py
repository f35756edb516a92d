"""Detections and statistics that other projects publish or pin in their own tests, through this project's classes.

Streams as river's tests draw them, one digit per value, or a bit where all are 0 or 1; indices from online-ml/river
river/drift/test_adwin_regression.py@3430070 and test_drift_detectors.py, the docstrings of river 0.26.1 and its
behaviour (`ADWIN`, `PageHinkley` with their defaults), which equals MOA's for ADWIN. Where river's own tests pin other
indices of EDDM and HDDM_W than 0.26.1 gives, those of 0.26.1 are expected.
"""

from __future__ import annotations

import base64
import random
import zlib

import numpy as np
import pytest

from detector_streams import QUARTER, Feed, context, contrasts
from driftgauge.detect.detectors import DETECTORS
from driftgauge.detect.detectors.adwin import Adwin
from driftgauge.detect.detectors.kswin import Kswin
from driftgauge.detect.detectors.page_hinkley import PageHinkley
from driftgauge.detect.windows.psi import psi

RIVER_DEFAULTS = {
    Adwin: {"delta": 0.002, "clock": 32},
    PageHinkley: {"delta": 0.005, "threshold": 50.0, "alpha": 0.9999},
    Kswin: {"alpha": 0.0001, "seed": 42},
}
RIVER_1 = (
    "c-m!?36|qP2t(Pq|BdJ4xEA-MJ9%*x2q7t=s-nWbzW+SPI#m4~J*WDftdF<i>6PF0y!7{8T`%}9dE4IavWwnR(KY-"
    "4>Va4!Pw(dZEtJhpHrb2V;`y7kA>T(?ug@;83VYP4JpwIei_CkpAD5&b?Jh!B^Adjhu_+#gi-g`!N2F`<|L{-"
    "CLfF;%$EoAI?5OPhj!WC~&tyGQF0r@ko3rR0plb&`-Y->-GuMDcSnkB`WUK^!rQCAJ6}@H1`B<qs(U(I-"
    "5AM#wsSwdWUrq)@?&NJ}x5V4ykJ)nDswZJ``?yAKG>^<y3)dDio;9Q@G^#tr%G5hO+{F2l?6&kYmy9r4t!v(D)!H3aC6v-"
    "7K9JfzWz=aU*v%kKF3aeM>@2V=nnB^&B5=sz;YMdC!(dRF5@JDvb{e>4;4;$zlcFX$%8>BtY?sI~E@nhSJiDCYC<${L1n(%Cja4P"
    "RilM<4&ytjL&veGNao=9j(X%VO3t=4IlBLj*h$;h}HGt|F%RcZGOC2~C4Ditmg`7Ru2hP-KJ)0sg^|L%`q>OM8C<X^>2U&rH{@65"
    "ou|*gDL1;XJ9vY!-j~CWs*Qnt`DFO6$XCWDlkra95G2K~5hAONR-"
    "?`C&e<))#YbPai*{nSFpluTgHlT&=l|qOGqKy6Q#h9#FN^zc15U{cJ*$lD9QdCXG0iKf_1`$LFkS9L%<WR8_IMAT(L#YtDM${aWn"
    "TgL6A2<LTkA~Vxq^F0igaD0b5Ws4tjsWcEj}Mcg2^K_<q6fN02UL*Jg`WqZ9g~5>2^Jtm)L_X38f8X+Q4+_9G-"
    "8eO6MTL@<EbLI<YY?-8}=7r<t~}kDnxuT6Rjf(86#5y)Tr+nI;}(!)7{Yl$;c7O$5+OX=mrhZYK%by`gGze(!UoH%LK>&0X8rXk^"
)
RIVER_MULTI = (
    "c-m!_3v$FD3`1cC!~Jhu^hB`PZace40Dok~a&N8m-"
    "kW}Ob^dju=bhVrc6gHy^i~&mz!{(R@nhrLe|DY!Z@KI~R?o&(4Sun;8*l#t`a-<-"
    "$Lr(!n9uvq=8d6$(R~}w@^#!Z=8{amzj>^c<%&z5Nb47)R{VW|er0K2^qENcWK1nned4Xg(&B}$Js9?0cu;EgfYU2g9!PH`FVf#%"
    "YZdX&`$fH_m0GroSE1<T<%R13vlRO&#fRJlCFxp^lyX+))S4!}vN+$vq~GOn;q;|%uP;+lrI+Hi<bL9m`KQ<V9(^$N#BAS<IakCO"
    "E9RVIjltK7{k?x<-|pYNzE@+-G56!OuSSHv_j0fhTH1emYix6S(FXRTy}s|4R<%pU_x1kB-*z<j{=GD`w$I9l+-"
    "(za{K$!7h_Jtf>1ERcYx}{}0n9A98#tFU`J0$!JqT^d153)D^tDb1j$z_SPZanDi4-"
    "PoKxklRhbVx!;J6}RfnQnDa{}QRn*)?}X6nI?*lA21-"
    "xtC|Ksj+`rYNVL2iKHAmt#5l>6!>m!4ZmfQZ8*Kq~Vx`s<mW5XN5}uh4MAz_}3T2aN($l&w>Ytlc*uytAjgmjOnO#5az58lzFP?B"
    "8H(1l4OIqAUqG~N(R<&eRFUviCfSp0~LKbJeVQWOlJAhGhze?u%500j4%&HN`nw^2P0n%D5y|(W{ctnXRxCRKnfp*8m=Pjh<T!>B"
    ")UB$*Hf?<*W2N+K_I1pKe8~h;34}-N{}6VsKqp=TrnjbE!E)m^HwxGrTghPt-"
    "Z>a8d5bjTXSuGx3gw<t;$*3cahbin?I)?Jt@t$wPyxN=`5dKXONs5T4|#<|Ee-Q6|O&mU#6on0zD&5D=Jr-"
    "`jx06e05N1&vcMMrN*?XN$EYySGDRUn$16J_sDZ<R;$w6%WTkVK1I8F=GE#@lxp1Ck5tw1;~oBfrmQ+ermnRz3%%n+p;Q6jUbiB>"
    "b+T$j8~cm?`wrwRmgRpz_+@$jH{kYON>_;2A7Yfa`!f!_Z&(fw`+w0-q?{<_n4c0`!X-"
    "V+y;GfIpi%CFL8F?e6~bpF&^7(sQfGO=1d2GV5u8Ih)oxKYdStk{qev5>@>Vr8+TQ7K!<~FwgZ!d0(_X{E91JW7|3c`IUi!JD0_W"
    "2P7QN7#XL$+7&&fa<kQbV>lvzrKl+d-;X`?YMl}r-hnPnVZAna-Fq@Pc##jqlB{D3iO%W)(-mVsenaC7&BF)W5G7(-"
    "^NNmY;wpgubnv&X;>(Zx{^Ph?@qqkfi+BMuh9fk*kLBGxvXBjt<}%t@$W9EEi_@MBp-"
    "5uZR3=Nap)ml&fw=F~WIhQEgEZNLXZ$nXGg<`f4K7kTC$nONq*Ixv|fF2S6Kt{^=<zby)2rcKkv!aHCOV#{O*Xkp28P)I)^JE(y?"
    "`z7%U;{D5W9HUqu`mo<~8Vob8@X&RDA;S|Wvoy6ep(rSLE(SPHz#gE)xj&M&FA4"
)

RIVER_2 = (
    "f)L;#f}jL23ITu(U=Wam06;<<0xaSH0FWR6009LI00ssS0DxGC04V?g00JQbM1X(}3qT+cga8nLf>F=_C^({+5FiC403ae@0Du<|0YK3JI6wyi"
    "AgTZqU;soQA%HUgAOr#k7ZiXY!axCVfI<M1!O#If69@x{V8^R-KDRyWx7WY#`ThR)|6cyT{%4K%{Q39h|L_0zx!-?(y#M>({(k;X_IK{h<o&MR"
    "vp@fDAN>2y|NsAf-|v?H-@f+#Z(rZu|Cj&$|M%bR|G)cH|Ni~||4(n<?<M!Yf7ARg-~ayq{onEL|9rpwveo<j`Kx_@?cD"
)
RIVER_3 = (
    "Pwyst6$bWef#JP(ur-P@50;H473d+r^Pn|k^hYY96&7GAR@mcfW+b`b@#KzJ=T+}8LGw>@NlIQ(*_QwR|G)qL|NsC0|NsC0|NsC0|Ns5}|NsC0"
    "|NsC0|NsC0|NsC0|NsC0|Nr;@|NsC0|NsC0|NsC0|NsC0|3>D+vNQ-$Epa7KZUmnGZs!6?g{UAyR8PQ)^Z^Mj_5LPVk^1`xP%BHJ<5dj0NWxj&"
    "5kGC&&>Xr<E8z`)|NsB*|NsC0|NsC0@Bjb*|NsC0|NsC0|NsC0|NsC0|Ns5}|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NQ"
)
SKMF_BINARY = (
    "ilR4!2OHt`xaU3dS7oC&Mzj3lE1IV}?@&p<L%{}y>ifk%NZ4z*Epi1*NLK5dfmL+aWZSQmT0=TQpOl1Gr@rKo7?rnQn5g|ic&h0X)I7kI+ndD2"
    "P<B^%j5?s39x0XT!OM&@SL|ozF8lGNCo6QYu<M!6#G@)Q;{X5u|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0"
    "|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|NsC0|Nj"
)


def _digits(text: str) -> list[int]:
    return list(zlib.decompress(base64.b85decode(text)))


def _bits(text: str) -> list[int]:
    return np.unpackbits(np.frombuffer(base64.b85decode(text), np.uint8)).tolist()


def _fhddm_docstring_stream() -> list[int]:
    rng = random.Random(42)
    return rng.choices([0, 1], k=250) + rng.choices([0, 1], k=250, weights=[0.9, 0.1])


def _docstring_stream() -> list[int]:
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


STREAMS = {
    "docstring": _docstring_stream(),
    "fhddm_docstring": _fhddm_docstring_stream(),
    "river_1": _digits(RIVER_1),
    "multi": _digits(RIVER_MULTI),
    "river_2": _bits(RIVER_2),
    "river_3": _bits(RIVER_3),
    "skmf_binary": _bits(SKMF_BINARY),
}


@pytest.mark.parametrize(
    ("method", "stream", "settings", "expected"),
    [
        (Adwin, "docstring", {}, [1023]),
        (Adwin, "river_1", {}, [1023]),
        (Adwin, "multi", {}, [1023, 2015, 3007]),
        (PageHinkley, "docstring", {}, [1006]),
        (PageHinkley, "river_1", {}, [1020, 1397, 1548, 1988]),
        (Kswin, "docstring", {}, [1016]),
        (Kswin, "river_1", {"window_size": 200, "stat_size": 100}, [1042]),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_river_alarms_at_its_values(
    method: type[Adwin], stream: str, settings: dict[str, int], expected: list[int], *, restart: bool
) -> None:
    """Also when the state goes through bytes every 100 values. Blocks of one pane and a unit of 1: z is the value."""
    series = contrasts(QUARTER)
    settings = {**RIVER_DEFAULTS[method], **settings}

    def fresh():
        detector = method.build(context(series), settings)
        blocks = detector._blocks
        blocks._reference[0], blocks._sd[0], blocks._wander[0] = 0.0, 1000.0, 0.0
        return detector

    values = np.array(STREAMS[stream], float)
    feed = Feed(fresh(), series)
    block = feed.block(np.zeros((len(values), series.layout.size), np.int64), list(range(len(values))))
    index = feed.detector._blocks.series[0].index
    found: list[int] = []
    for begin in range(0, len(values), 100):
        part = feed.block(block.counts[begin : begin + 100], block.starts[begin : begin + 100].tolist())
        part.n[:, index], part.values[:, index] = 1_000_000, values[begin : begin + 100]
        found += [begin + d.pane for d in feed.detector.update(part)]
        if restart:
            state = feed.detector.snapshot()
            feed.detector = fresh()
            feed.detector.restore(state)
    assert found == expected


@pytest.mark.parametrize(
    ("name", "settings", "stream", "expected"),
    [
        ("adwin", RIVER_DEFAULTS[Adwin], "docstring", [1023]),
        ("adwin", RIVER_DEFAULTS[Adwin], "multi", [1023, 2015, 3007]),
        ("page_hinkley", RIVER_DEFAULTS[PageHinkley], "docstring", [1006]),
        ("page_hinkley", RIVER_DEFAULTS[PageHinkley], "river_1", [1020, 1397, 1548, 1988]),
        ("ddm", {}, "river_2", [1049]),
        ("ddm", {}, "skmf_binary", [103, 1060]),
        ("eddm", {}, "river_2", [663, 828, 1007, 1078]),
        ("hddm_a", {}, "river_2", [1047]),
        ("hddm_a", {"two_sided_test": True}, "river_3", [531, 1015, 1545]),
        ("hddm_w", {}, "river_2", [1018]),
        ("hddm_w", {"two_sided_test": True}, "river_3", [507, 1032, 1508]),
        ("hddm_w", {}, "skmf_binary", [1018]),
        # River's FHDDM takes 1 for right, a series here 1 for what it is the rate of.
        ("fhddm", {}, "fhddm_docstring", [315]),
        ("fhddm", {"short_window_size": 20}, "fhddm_docstring", [279]),
    ],
)
@pytest.mark.parametrize("size", [7, 2000, 5000])
def test_river_alarms_at_its_values_on_events(
    name: str, settings: dict[str, float], stream: str, expected: list[int], size: int
) -> None:
    """With a restart after every `size` values."""
    wanted = {} if name in ("adwin", "page_hinkley") else {"series": ["kind|share|b"]}
    detector = DETECTORS[name].build(context(contrasts(QUARTER)), {"on": "event", **wanted, **settings})
    values = np.array(STREAMS[stream], np.int64 if wanted else np.float64)
    values = 1 - values if name == "fhddm" else values
    streams, scanner, found = len(detector._streams), detector.scanner(), []
    for begin in range(0, len(values), size):
        alarms = scanner.scan([values[begin : begin + size]] * streams)
        assert {alarm.stream for alarm in alarms} in (set(), set(range(streams)))
        found += [begin + alarm.at for alarm in alarms if alarm.stream == 0]
        state, scanner = scanner.encode(), detector.scanner()
        scanner.decode(state)
    assert found == expected


def test_psi_equals_frouros() -> None:
    """IFCA-Advanced-Computing/frouros@c69d139 tests/integration/test_data_drift.py::same_distribution: .01840072.

    Its 10 equal-width bins over both samples of 500, counted; without pseudo-counts, as there.
    """
    reference = np.array([11, 32, 58, 97, 114, 82, 59, 34, 10, 3])
    current = np.array([[7, 30, 55, 95, 99, 102, 65, 34, 10, 3]])
    assert psi(current, reference, np.array([0]), pseudo=0.0)[0, 0] == pytest.approx(0.01840072, abs=1e-8)
