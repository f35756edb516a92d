"""The page: one HTML file that needs nothing else, no network and no script. Every text is escaped."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from driftgauge.report import figures
from driftgauge.report.content import Content


def page(content: Content) -> str:
    """HTML5, UTF-8."""
    templates = Environment(
        loader=PackageLoader("driftgauge.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("page.html").render(content=content, box=figures)
