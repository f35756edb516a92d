"""The demo's report as people see it: a real browser, wide and narrow, light and dark, and on paper."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from driftgauge.cli import app
from services.browser import DEBIAN_PACKAGE, VARIABLE, Browser, browser

# What is wider than the page, what has no size, and in which colours text stands on its ground.
SEEN = """(() => {
  const box = e => e.getBoundingClientRect();
  const colour = (e, of) => getComputedStyle(e)[of];
  const beyond = (inner, outer) => inner.right > outer.right + 1 || inner.left < outer.left - 1;
  const texts = [...document.querySelectorAll('svg text')];
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    figures: [...document.querySelectorAll('svg')].map(e => box(e).height),
    lines: [...document.querySelectorAll('polyline')].map(e => e.getBBox().width),
    cut: texts.filter(e => beyond(box(e), box(e.ownerSVGElement))).map(e => e.textContent),
    bars: [...document.querySelectorAll('.bars span')].filter(e => box(e).width > 0).length,
    rows: document.querySelectorAll('tbody tr').length,
    ground: colour(document.body, 'backgroundColor'),
    text: colour(document.body, 'color'),
    verdict: document.querySelector('.verdict').innerText,
    requests: performance.getEntriesByType('resource').length,
  };
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, services_wanted) -> Browser:
    program = browser()
    if program is None:
        message = f"no Chromium here: install it (apt-get install {DEBIAN_PACKAGE}), or name one as {VARIABLE}=PATH"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return Browser(program, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(app, ["demo", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    assert "report.html" in done.output
    return folder / "report.html"


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [600, 1200])
def test_everything_is_there_and_fits(chromium, report, width, dark):
    seen = chromium.measure(report, SEEN, width=width, dark=dark)
    assert seen["verdict"] == "1 incident, critical, in 2 d 13 h. 1 still open at the end."
    assert seen["overflow"] <= 0
    assert len(seen["figures"]) == 3
    assert min(seen["figures"]) > 30
    assert min(seen["lines"]) > 100
    assert seen["cut"] == []
    assert seen["bars"] >= 14
    assert seen["rows"] > 10
    assert seen["requests"] == 0
    light, dim = sorted((luminance(seen["ground"]), luminance(seen["text"])), reverse=True)
    assert (light + 0.05) / (dim + 0.05) > 7
    assert (luminance(seen["ground"]) < 0.1) == dark


def test_it_can_be_printed(chromium, report, tmp_path):
    chromium.print(report, tmp_path / "report.pdf")
    paper = (tmp_path / "report.pdf").read_bytes()
    assert paper.startswith(b"%PDF")
    assert len(paper) > 20_000
