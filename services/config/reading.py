"""One YAML file to plain data and the line of each of its parts. Knows nothing of the schema.

Every scalar stays the text that was written, so that `name: No` is a name and `id: 007` an id: the
schema decides what a value is. PyYAML's own messages are replaced, since they quote the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from services.config.faults import ConfigError, Fault, Steps, field_name
from services.config.values import show

MAX_BYTES = 1024 * 1024  # a thousand institutions take a quarter of it
MAX_NODES = 200_000  # what aliases may blow a file up to
MAX_LEVELS = 20

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN_TAGS = ("null", "bool", "int", "float", "str", "timestamp", "value", "merge")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_QUOTES = 'put the whole text in quotes, such as "*" or "@naam"'
_EXPLAINED = (  # in PyYAML's words, why, what would be right
    ("found character '\\t'", "there is a tab", "indent with spaces, never with tabs"),
    (
        "expected alphabetic or numeric",
        "a text with * or & has no quotes, or a quote above is not closed",
        _QUOTES,
    ),
    ("found undefined alias", "a text that begins with * has no quotes", _QUOTES),
    ("cannot start any token", "a text begins with a character that YAML reserves", _QUOTES),
    (
        "mapping values are not allowed",
        "a colon stands where none can be",
        "check the indentation; " + _QUOTES,
    ),
    ("could not find expected ':'", "a colon is missing", "write name: value, with a space after the colon"),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "line it up with its neighbours",
    ),
    ("unexpected end of stream", "a quote is opened and never closed", "close it with the same quote"),
    ("single document", "--- begins a second document", "keep one document a file; use include: for more"),
    (
        "expected ',' or",
        "a list or block in brackets is not closed",
        "separate with commas and close with ] or }",
    ),
)


@dataclass
class Document:
    """What one file says, and where."""

    name: str
    data: dict[str, Any]
    lines: dict[Steps, int] = field(default_factory=dict)


def read(path: Path, name: str) -> Document:
    """Return what the file says; `name` is how faults call it.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or goes beyond a limit.

    """
    text = _decode(_bytes(path, name), name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(name, line, "there is an invisible control character", "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _explain(error, name) from None
    except RecursionError:
        raise _error(name, 1, "is nested too deeply", f"use at most {MAX_LEVELS} levels") from None
    except (ValueError, OverflowError, yaml.YAMLError):
        raise _error(name, 1, "is not valid YAML", "look for a strange \\ or %") from None
    if node is None:
        raise _error(name, 1, "is empty", "make a first one with: stormwacht init")
    if not isinstance(node, yaml.MappingNode):
        raise _error(name, _line(node), "does not begin with a field", "begin with version: 1")
    walk = _Walk(name)
    data = walk.value(node, ())
    if walk.faults:
        raise ConfigError(walk.faults)
    return Document(name, data, walk.lines)


class _Walk:
    """Turns nodes into data, noting lines and gathering faults."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Steps, int] = {}
        self.faults: list[Fault] = []
        self._nodes = 0

    def value(self, node: yaml.Node, at: Steps) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _error(self.name, _line(node), "repeats itself too often by & and *", "write it out")
        if len(at) > MAX_LEVELS:
            raise _error(self.name, _line(node), "is nested too deeply", f"use at most {MAX_LEVELS} levels")
        self.lines.setdefault(at, _line(node))
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return {key: self.value(child, (*at, key)) for key, child in self._entries(node, at)}
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.value(child, (*at, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and tag in _PLAIN_TAGS:
            return self._text(node, at) if tag != "null" else None
        self._fault(node, at, "has a YAML tag that begins with !", _QUOTES)
        return None

    def _entries(self, node: yaml.MappingNode, at: Steps) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.value:
                self._fault(key_node, at, "has a field without a name", "write name: value")
                continue
            key = key_node.value
            line = _line(key_node)
            if key in seen:
                problem = f"{show(key)} stands here twice, first on line {seen[key]}"
                self._fault(key_node, (*at, key), problem, "keep one of them")
                continue
            seen[key] = line
            self.lines[(*at, key)] = line
            yield key, child

    def _text(self, node: yaml.ScalarNode, at: Steps) -> str:
        text: str = node.value
        if _CONTROL.search(text):
            self._fault(
                node, at, "holds an invisible control character", "remove it, or the \\ that makes it"
            )
        return text

    def _fault(self, node: yaml.Node, at: Steps, problem: str, remedy: str) -> None:
        self.faults.append(Fault(self.name, _line(node), field_name(at), problem, remedy))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _error(name: str, line: int, problem: str, remedy: str) -> ConfigError:
    return ConfigError([Fault(name, line, "", problem, remedy)])


def _bytes(path: Path, name: str) -> bytes:
    try:
        raw = _start(path)
    except FileNotFoundError:
        raise _error(name, 1, "does not exist", "check the name, or make one with: stormwacht init") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise _error(name, 1, f"cannot be read: {reason}", "check its name and its rights") from None
    if raw is None:
        raise _error(name, 1, "is not a file", "name a YAML file")
    if len(raw) > MAX_BYTES:
        raise _error(name, 1, "is larger than 1 MB", "spread the institutions over files with include:")
    return raw


def _start(path: Path) -> bytes | None:
    """Return what can be read of a file; None for a folder, a device or a pipe."""
    if path.exists() and not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _decode(raw: bytes, name: str) -> str:
    if raw.startswith(_UTF16) or b"\0" in raw[:4]:
        raise _error(name, 1, "is not in UTF-8 but in UTF-16 or UTF-32", "save it again as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _error(name, line, "holds a character that is not UTF-8", "save the file as UTF-8") from None


def _explain(error: yaml.MarkedYAMLError, name: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    said = f"{error.context or ''} {error.problem or ''}"
    line = mark.line + 1 if mark else 1
    for words, problem, remedy in _EXPLAINED:
        if words in said:
            if words == "unexpected end of stream" and error.context_mark:
                line = error.context_mark.line + 1  # where the quote opens
            return _error(name, line, problem, remedy)
    return _error(name, line, "is not valid YAML here", "compare with docs/config.md: mind spaces and quotes")
