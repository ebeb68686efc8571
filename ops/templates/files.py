"""Reads files of templates, and finds the line of each part of them.

YAML as editors and people take it: only `true`, `false`, `null` and plain numbers are no texts (`no` is a text), a key
that stands twice is an error. JSON is read by the same rules.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

type Place = tuple[str | int, ...]
"""Where a part stands: ``("components", 0, "text")``."""

_MOST_BYTES: Final = 4 * 1024 * 1024
# A carousel's button is nine deep; an alias may hold itself.
_MOST_DEPTH: Final = 30


class FileInvalid(Exception):
    """The file cannot be read as templates. The text names it."""


class Source(NamedTuple):
    """One template of a file, as it stands there. `lines` has the line of each part."""

    file: Path
    value: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of a part or, where it is missing, of what it is missing in."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, nearly: 1.1 takes `no` for false and 2026-01-01 for a day."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read(file: Path) -> list[Source]:
    """The templates of a file: one, a list of them, several documents, or Meta's listing (`data`). Raises
    `FileInvalid`."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise FileInvalid(f"{file}: is too large for templates")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileInvalid(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileInvalid(f"{file}: must be text in UTF-8") from None
    if text.lstrip().startswith(("{", "[")):
        # JSON may be indented by tabs, which YAML does not take; in its texts they are escaped.
        text = text.replace("\t", " ")
    try:
        found = [source for node in yaml.compose_all(text, _Loader) if node is not None for source in _each(file, node)]
    except yaml.MarkedYAMLError as error:
        where = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FileInvalid(f"{file}{where}: {error.problem or 'cannot be read as YAML or JSON'}") from None
    except yaml.YAMLError:
        raise FileInvalid(f"{file}: cannot be read as YAML or JSON") from None
    if not found:
        raise FileInvalid(f"{file}: has no template")
    return found


def _each(file: Path, node: yaml.Node) -> Iterator[Source]:
    if isinstance(node, yaml.MappingNode):
        members = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if isinstance(members.get("data"), yaml.SequenceNode) and "components" not in members:
            node = members["data"]
    inner: Sequence[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for one in inner:
        lines: dict[Place, int] = {}
        yield Source(file, _value(one, (), lines), lines)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    if len(place) > _MOST_DEPTH:
        raise yaml.MarkedYAMLError(problem="is nested too deep", problem_mark=node.start_mark)
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner, (*place, number), lines) for number, inner in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, inner in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a text", problem_mark=key.start_mark)
            if key.value in made:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands here twice", problem_mark=key.start_mark)
            made[key.value] = _value(inner, (*place, key.value), lines)
            lines[(*place, key.value)] = key.start_mark.line + 1
        return made
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    # JSON writes characters beyond the first 65536 as two escapes.
    value = str(node.value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    match node.tag.rpartition(":")[2]:
        case "bool":
            return value == "true"
        case "null":
            return None
        case "int":
            return int(value)
        case "float":
            return float(value)
    return value
