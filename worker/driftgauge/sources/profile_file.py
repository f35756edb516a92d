"""The profile as a file: JSON for people, `{"hash": "sha256:…", …}`, verified when it is read."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from driftgauge.errors import InputError
from driftgauge.profiles.profile import Profile

# A list of numbers reads best on one line; the pretty printer gives every number one of its own.
_NUMBER_LIST = re.compile(r"\[\s+((?:(?:-?[\d.eE+-]+|null),?\s+)+)\]")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def profile_json(profile: Profile) -> str:
    """The file's text: hash first, then the profile, indented, lists of numbers on one line."""
    content = {"hash": profile.content_hash, **profile.model_dump(mode="json")}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBER_LIST.sub(lambda match: "[" + " ".join(match[1].split()) + "]", text) + "\n"


def write_profile(profile: Profile, out: Path, *, folder: bool = False) -> Path:
    """Write to `out`, or if that is a folder to `<model_id>-<version>-<hash>.json` in it. The file that was written.

    `folder` says that `out` is meant as a folder even if it isn't there yet.
    """
    if folder or out.is_dir():
        stem = _UNSAFE.sub("_", f"{profile.model_id}-{profile.model_version}").lstrip(".")
        out = out / f"{stem}-{profile.content_hash.removeprefix('sha256:')[:12]}.json"
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Never a half-written profile under the real name: a worker may be reading it.
        part.write_text(profile_json(profile), encoding="utf-8")
        os.replace(part, out)  # noqa: PTH105 - atomic on every platform, unlike rename
    except OSError as error:
        raise InputError(f"{out}: can't be written: {error.strerror or error}") from None
    return out


def read_profile(path: Path) -> Profile:
    """The profile in a file. InputError that names the field if it is none, or says that its content was changed."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no profile: not JSON ({error})") from None
    if not isinstance(content, dict) or "hash" not in content:
        raise InputError(f"{path}: is no profile: it has no hash; make one with driftgauge profile build")
    named = content.pop("hash")
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}; make it anew with driftgauge profile build") from None
    if profile.content_hash != named:
        raise InputError(
            f"{path}: the content doesn't fit its hash, so it was changed after it was built; "
            "a profile is never edited: make it anew with driftgauge profile build"
        )
    return profile
