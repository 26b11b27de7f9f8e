"""YAML that remembers where things stand, so that a mistake can be named by file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain `data`, and the nodes that it came from."""

    name: str
    data: Any
    node: yaml.Node | None

    def line(self, path: Sequence[str | int]) -> int:
        """The line (from 1) of the deepest part of `path` that the file has."""
        node = self.node
        line = 1 if node is None else node.start_mark.line + 1
        for part in path:
            step = _step(node, part)
            if step is not None:
                line, node = step
        return line

    def written(self, path: Sequence[str | int]) -> list[str | int]:
        """`path` without the parts that only the model knows, such as the tag of a union."""
        # The last part stays: it names what is missing.
        node, parts = self.node, list[str | int]()
        for at, part in enumerate(path):
            step = _step(node, part)
            if step is not None:
                node = step[1]
            if step is not None or at == len(path) - 1:
                parts.append(part)
        return parts


def parse(text: str, name: str) -> Document:
    """Read one YAML document. Raises SettingsError naming the line of broken YAML or of a key given twice."""
    documents = parse_all(text, name)
    if len(documents) > 1:
        line = documents[1].line(())
        raise SettingsError([f"{name}:{line}: this is not YAML: a second document begins here"])
    return documents[0] if documents else Document(name, None, None)


def parse_all(text: str, name: str) -> list[Document]:
    """Read every YAML document of a file. Raises SettingsError like `parse`."""
    loader = yaml.SafeLoader(text)
    documents, twice = list[Document](), list[str]()
    try:
        while loader.check_node():
            node = loader.get_node()
            twice += _repeated(node, name)
            documents.append(Document(name, loader.construct_document(node), node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError([f"{name}:{line}: this is not YAML: {error.problem}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError([f"{name}:1: this is not YAML: {str(error).splitlines()[0]}"]) from error
    finally:
        loader.dispose()
    if twice:
        raise SettingsError(twice)
    return documents


def _step(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """Where `part` of `node` begins (line from 1), and its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _repeated(node: yaml.Node | None, name: str, seen: frozenset[int] = frozenset()) -> list[str]:
    """Keys that a mapping holds twice: YAML would silently take the last."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return []
    inside = seen | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [mistake for item in node.value for mistake in _repeated(item, name, inside)]
    mistakes, keys = list[str](), set[str]()
    for key, value in node.value:
        word = str(key.value)
        if word in keys and word != "<<":
            mistakes.append(f"{name}:{key.start_mark.line + 1}: {word}: this key is given twice")
        keys.add(word)
        mistakes += _repeated(value, name, inside)
    return mistakes
