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
    documents, twice = list[Document](), list[str]()
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(text)
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
        if loader is not None:
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


def _repeated(root: yaml.Node | None, name: str) -> list[str]:
    """Keys that a mapping holds twice: YAML would silently take the last. A node is looked at once, however
    many aliases lead to it."""
    mistakes, seen, left = list[tuple[int, str]](), set[int](), [root]
    while left:
        node = left.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            mistakes += _twice(node)
            left += [value for _, value in node.value]
        else:
            left += node.value
    return [f"{name}:{line}: {word}: this key is given twice" for line, word in sorted(mistakes)]


def _twice(node: yaml.MappingNode) -> list[tuple[int, str]]:
    found, keys = list[tuple[int, str]](), set[str]()
    for key, _ in node.value:
        word = str(key.value)
        if word in keys and word != "<<":
            found.append((key.start_mark.line + 1, word))
        keys.add(word)
    return found
