"""Environment variables that override the file: `DRIFTGAUGE_KAFKA__BOOTSTRAP_SERVERS=a:9092,b:9092`.

Section and field are joined by two underscores, lists are split at commas, empty variables count as unset. A variable
that has the two underscores and names no field is a problem: a misspelt override that does nothing is a trap.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from driftgauge.config import Config
from driftgauge.config_yaml import Path, Problem

PREFIX = "DRIFTGAUGE_"
_SEPARATOR = "__"


class Override(NamedTuple):
    """What a variable sets: the field's path and its value as YAML would have given it."""

    variable: str
    path: Path
    value: Any


def overrides(env: Mapping[str, str]) -> tuple[list[Override], list[Problem]]:
    """The overrides in `env`, ordered by name, and a problem for each variable that names no field."""
    found, problems = [], []
    for variable in sorted(env):
        if not variable.startswith(PREFIX) or _SEPARATOR not in variable or not env[variable]:
            continue
        path: Path = tuple(variable.removeprefix(PREFIX).lower().split(_SEPARATOR))
        annotation = _annotation(path)
        if annotation is None:
            problems.append(Problem(path, f"{variable} names no field{_suggestion(path)}"))
        else:
            found.append(Override(variable, path, _value(env[variable], annotation)))
    return found, problems


def variable_of(path: Path) -> str:
    """The variable that overrides the field at `path`."""
    return PREFIX + _SEPARATOR.join(str(part).upper() for part in path)


def section_at(path: Path) -> type[BaseModel] | None:
    """The section (model class) that stands at `path`, list indices included; None if none does."""
    section: type[BaseModel] | None = Config
    for part in path:
        if isinstance(part, int):
            continue
        if section is None or part not in section.model_fields:
            return None
        section = next((m for m in _members(section.model_fields[part].annotation) if _is_section(m)), None)
    return section


def _annotation(path: Path) -> Any:
    """Type of the plain field at `path`; None for sections, lists of sections and what doesn't exist."""
    section = section_at(path[:-1])
    field = section.model_fields.get(str(path[-1])) if section is not None else None
    if field is None:
        return None
    members = list(_members(field.annotation))
    settable = not any(_is_section(m) or get_origin(m) is dict for m in members) or str(path[0]) == "topics"
    return field.annotation if settable else None


def _members(annotation: Any) -> Iterator[Any]:
    """The types an annotation is made of: of a union all, of a list the list and its element."""
    origin = get_origin(annotation)
    if origin is list:
        yield annotation
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _members(argument)
    elif hasattr(annotation, "__metadata__"):
        yield from _members(get_args(annotation)[0])
    else:
        yield annotation


def _is_section(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _value(text: str, annotation: Any) -> Any:
    members = list(_members(annotation))
    if any(get_origin(m) is list for m in members):
        return [part.strip() for part in text.split(",") if part.strip()]
    for kind in (int, float):
        if kind in members:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _suggestion(path: Path) -> str:
    known = [variable_of(p) for p in _paths(Config, ())]
    close = get_close_matches(variable_of(path), known, n=1, cutoff=0.85)
    if close:
        return f", did you mean {close[0]}?"
    if section_at(path[:1]) is not None or path[0] in Config.model_fields:
        return "; this one can only be set in the file"
    return ""


def _paths(section: type[BaseModel], prefix: Path) -> Iterator[Path]:
    for name in section.model_fields:
        path = (*prefix, name)
        inner = section_at(path)
        if _annotation(path) is not None:
            yield path
        if inner is not None and name != "models":
            yield from _paths(inner, path)
