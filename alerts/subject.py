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
    """What a rule judged: a function, an alias or version of one (`checkout:live`), a queue (its ARN), an
    event source mapping (its UUID), a capacity provider, an account's region or a collector of it, a budget.
    `functions` are those that a queue or mapping feeds or catches, that an alias is of and a provider runs,
    `has` what signals may need of it: `dead-letter` (the role of a queue), `reserved`, `provisioned`.
    `alias` is the account's."""

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
        default=(),
        description="name; for a queue, mapping, alias or provider: a function that it is for",
    )
    alias: Patterns = Field(default=(), description="alias, or version that is invoked by its number")
    runtime: Patterns = ()
    tag: dict[str, Patterns] = Field(default_factory=dict, description="of the function")
    queue: Patterns = Field(default=(), description="name or ARN")
    mapping: Patterns = Field(default=(), description="UUID of an event source mapping")
    provider: Patterns = Field(default=(), description="name of a capacity provider")
    collector: Patterns = ()
    budget: Patterns = Field(default=(), description="name of a budget in `cost.budgets`")

    def matches(self, subject: Subject) -> bool:
        if not self.model_fields_set:
            return True
        functions = [subject.name] if subject.kind == "function" else list(subject.functions)
        tags = subject.tags or {}
        return (
            _one(self.account, [subject.account, subject.alias])
            and _one(self.region, [subject.region])
            and _one(self.function, functions)
            and _one(self.runtime, [subject.runtime])
            and all(_one(getattr(self, kind), _called(subject, kind)) for kind in _BY_NAME)
            and all(_one(patterns, [tags.get(name)]) for name, patterns in self.tag.items())
        )


_BY_NAME: tuple[SubjectKind, ...] = ("alias", "queue", "mapping", "provider", "collector", "budget")
"""Kinds that `where` chooses by a word of their own."""


def _called(subject: Subject, kind: SubjectKind) -> list[str | None]:
    """The names of a subject of `kind`; a rule about another kind has none."""
    if subject.kind != kind:
        return []
    if kind == "alias":
        return [subject.name.partition(":")[2]]
    return [subject.name, subject.short] if kind == "queue" else [subject.name]


def _one(patterns: tuple[str, ...], values: Sequence[str | None]) -> bool:
    known = [value for value in values if value is not None]
    return not patterns or any(fnmatchcase(value, pattern) for value in known for pattern in patterns)


SELECTS: Mapping[str, frozenset[str]] = {
    "function": frozenset({"account", "region", "function", "runtime", "tag"}),
    "alias": frozenset({"account", "region", "function", "alias", "runtime", "tag"}),
    "queue": frozenset({"account", "region", "function", "queue"}),
    "mapping": frozenset({"account", "region", "function", "mapping"}),
    "provider": frozenset({"account", "region", "function", "provider"}),
    "account": frozenset({"account", "region"}),
    "collector": frozenset({"account", "region", "collector"}),
    "budget": frozenset({"budget"}),
}
"""What `where` may say about each kind of subject."""
