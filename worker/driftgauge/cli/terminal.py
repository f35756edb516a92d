"""The terminal as commands print to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Span, Text

from driftgauge.cli.visible_text import visible


class Terminal(Console):
    """A console on which the text of whatever is printed is `visible`; its own colours and bars work as ever."""

    def render_str(self, text: str, **options: Any) -> Text:
        """See Console. Before anything is measured, so that columns are as wide as what stands in them."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See Console. A text before it is cut into lines, and what is left at last."""
        for segment in super().render(_shown(renderable) if isinstance(renderable, Text) else renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def _shown(text: Text) -> Text:
    """The text `visible`, with its styles."""
    hidden = [at for at, character in enumerate(text.plain) if visible(character) != character]
    if not hidden:
        return text
    parts = text.divide(sorted({edge for at in hidden for edge in (at, at + 1)}))
    return text.blank_copy().join(_with_styles(visible(part.plain), part) for part in parts)


def _with_styles(plain: str, part: Text) -> Text:
    """`plain` in the styles of `part`, which is one character or the same."""
    wider = len(plain) - len(part)
    return Text(plain, spans=[Span(span.start, span.end + wider, span.style) for span in part.spans])
