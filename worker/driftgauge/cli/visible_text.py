"""Control characters in text for the terminal, which is to show what comes from outside and not to obey it.

A column may be called ESC [2J, and a terminal that is told so clears itself. JSON goes out as it is, since it escapes
such characters already.
"""

from __future__ import annotations

# C0 and C1, but tab and line feed; and what turns around the direction of what follows.
_CONTROL = [*range(0x20), *range(0x7F, 0xA0)]
_DIRECTION = [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
# rich.control.escape_control_codes knows five of them, and not ESC.
_VISIBLE = {
    **{code: f"\\x{code:02x}" for code in _CONTROL if chr(code) not in "\t\n"},
    **{code: f"\\u{code:04x}" for code in _DIRECTION},
}


def visible(text: str) -> str:
    r"""The text with control characters as people write them: `\x1b`."""
    return text.translate(_VISIBLE)
