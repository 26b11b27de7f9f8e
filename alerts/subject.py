"""What rules judge, and how they choose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import Field

from alerts.signals import SubjectKind
from alerts.written import Patterns
from core.settings import Section


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule judged: a function, a queue (its ARN), an event source mapping (its UUID), an account's
    region or a collector of it. `functions` are those that a queue or mapping feeds or catches, `has` what
    signals may need of it: `dead-letter` (the role of a queue), `reserved`, `provisioned`."""

    kind: SubjectKind
    account: str
    region: str
    name: str
    alias: str | None = None
    runtime: str | None = None
    tags: Mapping[str, str] | None = None
    functions: tuple[str, ...] = ()
    has: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def short(self) -> str:
        """The name that people know it by."""
        if self.kind == "account":
            return f"{self.alias or self.account} {self.region}"
        if self.kind == "mapping" and self.functions:
            return f"mapping of {self.functions[0]}"
        return self.name.rsplit(":", 1)[-1] if self.kind == "queue" else self.name


class Where(Section):
    """Which subjects: everything given must match, of a list one. `*` and `?` are wildcards."""

    account: Patterns = Field(default=(), description="id or alias")
    region: Patterns = ()
    function: Patterns = Field(
        default=(), description="name; for a queue or mapping: a function that it feeds or catches"
    )
    runtime: Patterns = ()
    tag: dict[str, Patterns] = Field(default_factory=dict, description="of the function")
    queue: Patterns = Field(default=(), description="name or ARN")
    mapping: Patterns = Field(default=(), description="UUID of an event source mapping")
    collector: Patterns = ()

    def matches(self, subject: Subject) -> bool:
        if not self.model_fields_set:
            return True
        functions = [subject.name] if subject.kind == "function" else list(subject.functions)
        queue = [subject.name, subject.short] if subject.kind == "queue" else []
        tags = subject.tags or {}
        return (
            _one(self.account, [subject.account, subject.alias])
            and _one(self.region, [subject.region])
            and _one(self.function, functions)
            and _one(self.runtime, [subject.runtime])
            and _one(self.queue, queue)
            and _one(self.mapping, [subject.name] if subject.kind == "mapping" else [])
            and _one(self.collector, [subject.name] if subject.kind == "collector" else [])
            and all(_one(patterns, [tags.get(name)]) for name, patterns in self.tag.items())
        )


def _one(patterns: tuple[str, ...], values: Sequence[str | None]) -> bool:
    known = [value for value in values if value is not None]
    return not patterns or any(fnmatchcase(value, pattern) for value in known for pattern in patterns)


SELECTS: Mapping[str, frozenset[str]] = {
    "function": frozenset({"account", "region", "function", "runtime", "tag"}),
    "queue": frozenset({"account", "region", "function", "queue"}),
    "mapping": frozenset({"account", "region", "function", "mapping"}),
    "account": frozenset({"account", "region"}),
    "collector": frozenset({"account", "region", "collector"}),
}
"""What `where` may say about each kind of subject."""
