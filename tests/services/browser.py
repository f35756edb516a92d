"""A headless browser that opens a page from a file and tells what came of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN_PACKAGE = "chromium"
VARIABLE = "DRIFTGAUGE_TEST_BROWSER"
_SECONDS = 90
# It opens files only: no account, no update, no question to anybody.
_QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def browser() -> Path | None:
    """The one that is named, else a Chromium on the PATH."""
    named = os.environ.get(VARIABLE)
    found = named or next((path for path in map(shutil.which, NAMES) if path), None)
    return Path(found) if found else None


class Browser:
    """A Chromium. `folder`: for what it keeps of itself."""

    def __init__(self, program: Path, folder: Path) -> None:
        """Starts with each call anew."""
        self._program, self._folder = program, folder

    def measure(self, page: Path, script: str, *, width: int, dark: bool = False) -> Mapping[str, Any]:
        """What `script`, an expression, gives in a page of `width` pixels, which lets no other script run."""
        text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page.read_text(encoding="utf-8"))
        element = "document.body.appendChild(document.createElement('output'))"
        probe = f"<script>{element}.textContent = JSON.stringify({script});</script></body>"
        copy = self._folder / f"probed-{page.name}"
        copy.write_text(text.replace("</body>", probe), encoding="utf-8")
        options = [
            "--dump-dom",
            f"--window-size={width},900",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        ]
        shown = self._run([*options, copy.as_uri()])
        found = re.search(r"<output>(.*?)</output>", shown, re.DOTALL)
        assert found, shown[-2000:]
        return dict(json.loads(unescape(found[1])))

    def print(self, page: Path, target: Path) -> None:
        """A PDF of it."""
        self._run(["--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri()])

    def _run(self, options: Sequence[str]) -> str:
        command = [str(self._program), *_QUIET, f"--user-data-dir={self._folder / 'profile'}", *options]
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
        return done.stdout.decode()
