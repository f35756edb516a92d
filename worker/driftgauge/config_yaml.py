"""YAML text as plain values that remember where they stood, for error messages with line and column.

A narrow, safe dialect: mappings, lists, and the scalars of YAML 1.2 (so `yes`, `010` and `2026-01-01` stay text). No
tags, no anchors cut loose on memory, no key twice. Everything wrong is a `Problem`, never a crash of the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

Path = tuple[str | int, ...]
MAX_NODES = 100_000
_MAX_DEPTH = 30
_PREFIX = "tag:yaml.org,2002:"


class Position(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """What is wrong, and at which path or position."""

    path: Path
    message: str
    position: Position | None = None


@dataclass(slots=True)
class Document:
    """Parsed values, `values[path]` and `keys[path]` positions, and the problems met on the way.

    `too_large`: it holds more than MAX_NODES values and was not read on.
    """

    root: Any = None
    too_large: bool = False
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class _TooMuchError(Exception):
    """More than is read: what, and where."""


class _Loader(yaml.SafeLoader):
    """Only the scalars of YAML 1.2's core schema are anything but text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)


_Loader.add_implicit_resolver(_PREFIX + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_PREFIX + "int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _PREFIX + "float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+0123456789."),
)
_Loader.add_implicit_resolver(_PREFIX + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def parse(text: str) -> Document:
    """Read one YAML document. `Document.root` is None for an empty one; syntax errors are problems with a position."""
    document = Document()
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            document.root = _Reader(document).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        position = Position(mark.line + 1, mark.column + 1) if mark is not None else None
        document.problems.append(Problem((), f"not YAML: {message}", position))
    except yaml.reader.ReaderError as error:
        document.problems.append(Problem((), f"not YAML: {error.reason}"))
    except _TooMuchError as error:
        document.problems.append(Problem((), *error.args))
    except RecursionError:
        document.problems.append(Problem((), "nested too deeply"))
    return document


class _Reader:
    """Turns nodes into values, filling in a document's positions and problems."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        position = Position(node.start_mark.line + 1, node.start_mark.column + 1)
        self._document.values[path] = position
        self._nodes += 1
        # A handful of aliases to aliases can stand for billions of nodes, or for an endless loop.
        if self._nodes > MAX_NODES:
            self._document.too_large = True
            raise _TooMuchError(f"more than {MAX_NODES:,} values, aliases counted with all they stand for", position)
        if len(path) > _MAX_DEPTH:
            raise _TooMuchError(f"nested more than {_MAX_DEPTH} deep", position)
        if isinstance(node, yaml.MappingNode) and node.tag == _PREFIX + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _PREFIX + "seq":
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, position)
        self._document.problems.append(Problem(path, f"tags such as {node.tag} are not read", position))
        return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = Position(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self._document.problems.append(Problem(path, "a key must be plain text", at))
                continue
            key = str(key_node.value)
            inner = (*path, key)
            if key in result:
                first = self._document.keys[inner].line
                self._document.problems.append(Problem(inner, f"stands here twice, first in line {first}", at))
                continue
            self._document.keys[inner] = at
            result[key] = self.value(value_node, inner)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path, position: Position) -> Any:
        text = str(node.value)
        try:
            match node.tag.removeprefix(_PREFIX):
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
        except ValueError:
            self._document.problems.append(
                Problem(path, f"{text[:40]!r} is no {node.tag.removeprefix(_PREFIX)}", position)
            )
            return None
        self._document.problems.append(Problem(path, f"tags such as {node.tag} are not read", position))
        return None
