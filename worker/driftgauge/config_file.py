"""The configuration file: YAML and environment in, one `Config` out, or every problem at once with its place.

Problems read `file:line:col: path: message`, those of a variable name the variable. Precedence: environment, file,
default. Paths in the file are relative to the file, paths in variables to the working directory. Passwords come from
the environment or from files of their own, never from this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from driftgauge.config import Config, ModelConfig
from driftgauge.config_env import overrides, section_at, variable_of
from driftgauge.config_secrets import SecretError, first_line
from driftgauge.config_security import FILE_FIELDS, SECRET_FIELDS
from driftgauge.config_segments import problems_of_segments
from driftgauge.config_tls import problems_of_tls
from driftgauge.config_yaml import Document, Path, Position, Problem, parse
from driftgauge.errors import ConfigError, DriftgaugeError
from driftgauge.profiles.profile import Profile

# Sections that may hold secrets and name files.
_SECURED: tuple[Path, ...] = (("kafka", "security"), ("kafka", "security", "oauth"), ("redis",))
_EXPECTED = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected fields below it",
    "model_type": "expected fields below it",
    "model_attributes_type": "expected fields below it",
}


class Loaded(NamedTuple):
    """A configuration and the profiles of its models, in the same order; None where it names none."""

    config: Config
    profiles: tuple[Profile | None, ...]


def load(path: str | FilePath, env: Mapping[str, str]) -> Config:
    """Read and validate. ConfigError listing every problem, one a line."""
    return _Reading(FilePath(path), env).config()


def load_with_profiles(
    path: str | FilePath,
    env: Mapping[str, str],
    load_profile: Callable[[FilePath], Profile],
    *,
    examine: Callable[[Config, Sequence[Profile | None]], Iterable[tuple[Path, str]]] | None = None,
) -> Loaded:
    """As `load`, and read each model's profile; a profile that can't be read or is another model's is a problem.

    `examine` looks at the whole and yields further problems, as path and message.
    """
    reading = _Reading(FilePath(path), env)
    config = reading.config()
    profiles: list[Profile | None] = []
    for index, model in enumerate(config.models):
        if model.profile is None:
            profiles.append(None)
            continue
        try:
            profile = load_profile(FilePath(model.profile))
        except DriftgaugeError as error:
            reading.problems.append(Problem(("models", index, "profile"), str(error)))
            continue
        if (profile.model_id, profile.model_version) != (model.model_id, model.model_version):
            message = (
                f"this is the profile of {profile.model_id}/{profile.model_version}, "
                f"not of {model.model_id}/{model.model_version}"
            )
            reading.problems.append(Problem(("models", index, "profile"), message))
        for at, message in _problems_of_redact(profile, model.redact):
            reading.problems.append(Problem(("models", index, "redact", at), message))
        profiles.append(profile)
    reading.raise_problems()
    for index, (model, known) in enumerate(zip(config.models, profiles, strict=True)):
        if model.segments is not None:
            found = problems_of_segments(known, model.segments, config.limits.segments)
            reading.problems += [Problem(("models", index, "segments", *at), message) for at, message in found]
    reading.raise_problems()
    if examine is not None:
        reading.problems += [Problem(where, message) for where, message in examine(config, profiles)]
        reading.raise_problems()
    return Loaded(config, tuple(profiles))


class _Reading:
    """One file being read: its document, the overriding variables, and the problems so far."""

    def __init__(self, file: FilePath, env: Mapping[str, str]) -> None:
        self._file = file
        self._document = _parse(file)
        self._overrides, self.problems = overrides(env)
        self.problems += self._document.problems

    def config(self) -> Config:
        root = self._document.root
        if not isinstance(root, dict):
            if not self.problems:
                found = "is empty" if root is None else "holds no fields (key: value) at its top"
                self.problems.append(Problem((), f"the file {found}; start with kafka:, topics: and models:"))
            self.raise_problems()
        self._refuse_secrets(root)
        variables = self._apply_overrides(root)
        self._absolute_paths(root, variables)
        self._read_secrets(root)
        config = self._validate(root)
        if config is not None:
            self.problems.extend(_inconsistencies(config))
            self.problems.extend(Problem(where, message) for where, message in problems_of_tls(config))
        self.raise_problems()
        assert config is not None  # noqa: S101 (a failed validation is always a problem)
        return config

    def raise_problems(self) -> None:
        """ConfigError if there is a problem; all of them, by place."""
        if self.problems:
            unique = dict.fromkeys(self.problems)
            ordered = sorted(unique, key=self._position)
            raise ConfigError("\n".join(self._line(problem) for problem in ordered))

    def _refuse_secrets(self, root: dict[str, Any]) -> None:
        for path in _SECURED:
            section = _at(root, path)
            for name in SECRET_FIELDS if isinstance(section, dict) else ():
                if section.get(name) is not None:
                    del section[name]
                    self.problems.append(_secret_in_file((*path, name), f"{name}_file"))
        url = _at(root, ("redis", "url"))
        if isinstance(url, str) and _has_password(url):
            root["redis"]["url"] = "redis://removed"
            self.problems.append(_secret_in_file(("redis", "url"), "password_file"))

    def _apply_overrides(self, root: dict[str, Any]) -> dict[Path, str]:
        variables = {}
        for variable, path, value in self._overrides:
            section: Any = root
            for part in path[:-1]:
                if section.get(part) is None:
                    section[part] = {}
                section = section[part]
                if not isinstance(section, dict):
                    self.problems.append(
                        Problem(path, f"{variable} sets a field of {part}, which has none in the file")
                    )
                    break
            else:
                section[path[-1]] = value
                variables[path] = variable
        return variables

    def _absolute_paths(self, root: dict[str, Any], variables: Mapping[Path, str]) -> None:
        models = root.get("models")
        count = len(models) if isinstance(models, list) else 0
        named = ((*path, name) for path in _SECURED for name in FILE_FIELDS)
        for path in (*named, *(("models", i, "profile") for i in range(count))):
            section, value = _at(root, path[:-1]), _at(root, path)
            if not isinstance(value, str) or not value:
                continue
            base = FilePath.cwd() if path in variables else self._file.parent
            full = (base / value).absolute()
            if not full.is_file():
                found = "is a directory" if full.is_dir() else "does not exist"
                fix = "; driftgauge profile build makes one" if path[-1] == "profile" else ""
                self.problems.append(Problem(path, f"{value} {found}{fix}"))
            section[path[-1]] = str(full)

    def _read_secrets(self, root: dict[str, Any]) -> None:
        for path, name in ((path, name) for path in _SECURED for name in SECRET_FIELDS):
            section, field = _at(root, path), f"{name}_file"
            file = section.get(field) if isinstance(section, dict) else None
            if not isinstance(file, str) or not FilePath(file).is_file():
                continue
            if section.get(name):
                # The variable wins, also when the secret is read again.
                del section[field]
                continue
            try:
                section[name] = first_line(file)
            except SecretError as error:
                self.problems.append(Problem((*path, field), str(error)))

    def _validate(self, root: dict[str, Any]) -> Config | None:
        try:
            return Config.model_validate(root).read_from(str(self._file))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path: Path = detail["loc"]
                # What lies below a place already reported (an unreadable value) would only repeat it.
                if not any(
                    problem.path and path[: len(problem.path)] == problem.path for problem in self._document.problems
                ):
                    self.problems.append(Problem(path, _message(path, dict(detail))))
            return None

    def _position(self, problem: Problem) -> Position:
        if problem.position is not None:
            return problem.position
        path, document = problem.path, self._document
        if self._variable(problem) is not None:
            return Position(0, 0)
        if path in document.keys and problem.message.startswith("unknown "):
            return document.keys[path]
        while path and path not in document.values:
            path = path[:-1]
        return document.values.get(path, Position(1, 1))

    def _variable(self, problem: Problem) -> str | None:
        if problem.message.startswith(variable_of(problem.path)):
            return variable_of(problem.path)
        return next((o.variable for o in self._overrides if problem.path[: len(o.path)] == o.path), None)

    def _line(self, problem: Problem) -> str:
        where, message = _path_text(problem.path), problem.message
        variable = self._variable(problem)
        if variable is not None:
            return message if message.startswith(variable) else f"{variable}: {where}: {message}"
        line, column = self._position(problem)
        return f"{self._file}:{line}:{column}: {where + ': ' if where else ''}{message}"


def _parse(file: FilePath) -> Document:
    try:
        return parse(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file; name the configuration with -c FILE") from None
    except IsADirectoryError:
        raise ConfigError(f"{file}: is a directory; name the YAML file in it") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 text (byte {error.start}), so no YAML") from None
    except OSError as error:
        raise ConfigError(f"{file}: can't be read: {error.strerror}") from None


def _secret_in_file(path: Path, file_field: str) -> Problem:
    word = "secret" if path[-1] == "client_secret" else "password"
    return Problem(path, f"a {word} doesn't belong into this file; set {variable_of(path)} or {file_field}")


def _inconsistencies(config: Config) -> Iterator[Problem]:
    """What no single section can see."""
    latest: dict[tuple[str, str], ModelConfig] = {}
    for index, model in enumerate(config.models):
        identity = (model.model_id, model.model_version)
        yield from _unfit_changes(index, model, latest.get(identity))
        latest[identity] = model
        if model.features_from is not None and model.features_from not in config.topics.inputs:
            yield Problem(("models", index, "features_from"), f"topics.{model.features_from} is not configured")
    for name, settings in config.detectors.items():
        if not isinstance(settings.get("enabled", True), bool):
            yield Problem(("detectors", name, "enabled"), "expected true or false")


def _unfit_changes(index: int, model: ModelConfig, before: ModelConfig | None) -> Iterator[Problem]:
    """What is wrong with an entry of `models` as one that replaces `before` at some time."""
    if model.effective_from is not None and model.profile is None:
        yield Problem(("models", index, "effective_from"), "says from when a profile holds, and there is no profile")
    if before is None:
        return
    if model.effective_from is None:
        message = f"{model.model_id}/{model.model_version} is configured twice; give the later one an effective_from"
        yield Problem(("models", index), message)
    elif before.effective_from is not None and model.effective_from <= before.effective_from:
        yield Problem(("models", index, "effective_from"), "is not later than that of the entry before")
    if model.features_from != before.features_from:
        yield Problem(("models", index, "features_from"), "can't change within a version; say the same in all entries")


def _problems_of_redact(profile: Profile, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Index of a name that is no feature, and the fix: what is misspelt would not be redacted."""
    for index, name in enumerate(names):
        if name not in profile.features:
            yield index, f"the profile has no feature {name}{_did_you_mean(name, list(profile.features))}"


def _message(path: Path, detail: dict[str, Any]) -> str:
    kind, value = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        section = section_at(path[:-1])
        return "unknown field" + _did_you_mean(str(path[-1]), list(section.model_fields) if section else [])
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if value is None and kind in _EXPECTED:
        return "is empty: fill it in or take it out"
    if kind in _EXPECTED:
        quote = ": quote it" if kind == "string_type" and isinstance(value, int | float) else ""
        return f"{_EXPECTED[kind]}{quote}"
    message = str(detail["msg"]).replace("Input should", "should")
    if kind == "string_pattern_mismatch":
        # A malformed URL may hold a password where no parser looks for it.
        shown = "this" if path[-1] in ("url", "token_endpoint") else repr(value)
        message = f"{shown} doesn't have the right form ({detail['ctx']['pattern']})"
    if kind == "literal_error":
        message += _did_you_mean(str(value), re.findall(r"'([^']*)'", str(detail["ctx"]["expected"])))
    return message


def _did_you_mean(word: str, known: list[str]) -> str:
    close = get_close_matches(word.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    exact = {k.lower(): k for k in known}
    return f", did you mean {exact[close[0]]}?" if close else ""


def _path_text(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _at(root: Any, path: Path) -> Any:
    for part in path:
        inside = isinstance(root, dict) and part in root if isinstance(part, str) else isinstance(root, list)
        root = root[part] if inside else None
    return root


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.password) or "password" in parts.query
    except ValueError:
        # Not readable as a URL, but "user:secret@host" may still stand in it.
        return "@" in url
