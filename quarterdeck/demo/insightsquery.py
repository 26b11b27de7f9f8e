"""The language of CloudWatch Logs Insights: text to commands. `insightsrun` carries them out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn


class QueryError(ValueError):
    """The query cannot be read; the text says why, `at` where (an offset into the query)."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


# --- what a query is made of -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, or (with `text`) words that must occur."""

    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or a function and what it is applied to. Names of functions are in small letters."""

    name: str
    parts: tuple[Node, ...]


Node = Field | Literal | Pattern | Apply


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and the name of its column."""

    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Command:
    """`kind` is fields, display, filter, stats, sort, limit, dedup or parse; the rest is what it needs."""

    kind: str
    columns: tuple[Named, ...] = ()
    by: tuple[Named, ...] = ()
    node: Node | None = None
    descending: tuple[bool, ...] = ()
    count: int = 0


# --- tokens ------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<quoted>`[^`]*`)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?:ms|[smhdw]|mo)?\b)"
    r"|(?P<word>[@A-Za-z_][\w.@]*(?:-[A-Za-z_][\w.]*)*)"
    r"|(?P<sign>=~|!=|<=|>=|[|(),=<>+\-*/%^\[\]])"
)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/([a-z]*)")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """Keywords and functions do not care for case."""
        return self.text.lower() if self.kind in ("word", "sign") else ""


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _REGEX.match(text, at) if _expects_regex(found) else None
        if match:
            found.append(Token("regex", match[0], at))
        else:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise QueryError(f"unexpected symbol {text[at]!r}", at)
            if match.lastgroup != "space":
                found.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _expects_regex(found: list[Token]) -> bool:
    """Whether a slash begins a regular expression: after `like`, `=~` and what `parse` looks into."""
    if found and found[-1].word in ("like", "=~"):
        return True
    return len(found) > 1 and found[-2].word == "parse"


# --- commands ----------------------------------------------------------------------------------------------


def parse(text: str) -> list[Command]:
    """The commands of a query, in order. Raises QueryError."""
    return _Reader(text).commands()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, *words: str) -> Token | None:
        """The next token if it is one of these words or signs (or any, without words)."""
        token = self.next
        if words and token.word not in words:
            return None
        self.at += token.kind != "end"
        return token

    def demand(self, *words: str) -> Token:
        return self.take(*words) or self.fail(f"expected {' or '.join(words)}")

    def fail(self, message: str) -> NoReturn:
        shown = self.next.text or "the end"
        raise QueryError(f"{message}, found {shown!r}", self.next.at)

    def commands(self) -> list[Command]:
        found = [self.command()]
        while self.take("|"):
            found.append(self.command())
        if self.next.kind != "end":
            self.fail("expected | between commands")
        return found

    def command(self) -> Command:
        readers: dict[str, Callable[[], Command]] = {
            "fields": lambda: Command("fields", self.columns()),
            "display": lambda: Command("display", self.columns()),
            "filter": lambda: Command("filter", node=self.expression()),
            "stats": self.stats,
            "sort": self.sort,
            "limit": lambda: Command("limit", count=self.whole_number()),
            "dedup": lambda: Command("dedup", self.columns()),
            "parse": self.parse_command,
        }
        token = self.demand(*readers)
        return readers[token.word]()

    def columns(self) -> tuple[Named, ...]:
        found = [self.column()]
        while self.take(","):
            found.append(self.column())
        return tuple(found)

    def column(self) -> Named:
        begin = self.next.at
        node = self.expression()
        name = self.text[begin : self.tokens[self.at - 1].at + len(self.tokens[self.at - 1].text)]
        return Named(self.name() if self.take("as") else name.strip("`"), node)

    def name(self) -> str:
        token = self.next
        if token.kind not in ("word", "quoted"):
            self.fail("expected a name")
        self.at += 1
        return token.text.strip("`")

    def whole_number(self) -> int:
        token = self.take()
        if token is None or token.kind != "number" or not token.text.isdigit():
            self.fail("expected a whole number")
        return int(token.text)

    def stats(self) -> Command:
        columns = self.columns()
        return Command("stats", columns, self.columns() if self.take("by") else ())

    def sort(self) -> Command:
        columns, descending = [], []
        while True:
            columns.append(Named("", self.expression()))
            way = self.take("asc", "desc")
            descending.append(bool(way and way.word == "desc"))
            if not self.take(","):
                return Command("sort", tuple(columns), descending=tuple(descending))

    def parse_command(self) -> Command:
        looked_into = self.primary()
        token = self.take()
        assert token is not None
        if token.kind == "regex":
            return Command("parse", (Named("", Pattern(_regex(token))),), node=looked_into)
        if token.kind != "string":
            raise QueryError("expected a regular expression or a pattern with *", token.at)
        self.demand("as")
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        return Command("parse", (Named("", Pattern(_glob(token, names))),), node=looked_into)

    # --- expressions, loosest first ------------------------------------------------------------------------

    def expression(self) -> Node:
        node = self.conjunction()
        while self.take("or"):
            node = Apply("or", (node, self.conjunction()))
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.take("and"):
            node = Apply("and", (node, self.negation()))
        return node

    def negation(self) -> Node:
        return Apply("not", (self.negation(),)) if self.take("not") else self.comparison()

    def comparison(self) -> Node:
        node = self.sum()
        if token := self.take("=", "!=", "<", "<=", ">", ">="):
            return Apply(token.word, (node, self.sum()))
        if self.take("=~"):
            return Apply("like", (node, self.pattern()))
        negated = self.take("not")
        if self.take("like"):
            node = Apply("like", (node, self.pattern()))
        elif self.take("in"):
            node = Apply("in", (node, *self.members()))
        elif negated:
            self.fail("expected like or in")
        return Apply("not", (node,)) if negated else node

    def pattern(self) -> Pattern:
        token = self.take()
        assert token is not None
        if token.kind == "regex":
            return Pattern(_regex(token))
        if token.kind == "string":
            return Pattern(re.compile(re.escape(_unquoted(token))))
        raise QueryError("expected text or a regular expression", token.at)

    def members(self) -> list[Node]:
        self.demand("[")
        found = [self.sum()]
        while self.take(","):
            found.append(self.sum())
        self.demand("]")
        return found

    def sum(self) -> Node:
        node = self.product()
        while token := self.take("+", "-"):
            node = Apply(token.word, (node, self.product()))
        return node

    def product(self) -> Node:
        node = self.primary()
        while token := self.take("*", "/", "%", "^"):
            node = Apply(token.word, (node, self.primary()))
        return node

    def primary(self) -> Node:
        if self.take("("):
            node = self.expression()
            self.demand(")")
            return node
        if self.take("-"):
            return Apply("-", (Literal(0.0), self.primary()))
        token = self.next
        if token.kind not in ("string", "number", "word", "quoted"):
            self.fail("expected a field, a value or a function")
        self.at += 1
        if token.kind == "string":
            return Literal(_unquoted(token))
        if token.kind == "number":
            return _number(token)
        if token.kind == "word" and self.take("("):
            return Apply(token.word, self.arguments())
        return Field(token.text.strip("`"))

    def arguments(self) -> tuple[Node, ...]:
        if self.take(")"):
            return ()
        if self.take("*"):
            self.demand(")")
            return ()
        found = [self.expression()]
        while self.take(","):
            found.append(self.expression())
        self.demand(")")
        return tuple(found)


_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000}


def _number(token: Token) -> Literal:
    """A number, or a length of time in seconds."""
    digits = re.match(r"[\d.]+(?:[eE][-+]?\d+)?", token.text)
    assert digits is not None
    unit = token.text[digits.end() :]
    return Literal(float(digits[0]) * (_UNITS_S[unit] if unit else 1))


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1])


def _regex(token: Token) -> re.Pattern[str]:
    body, _, flags = token.text[1:].rpartition("/")
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", body), re.IGNORECASE if "i" in flags else 0)
    except re.error as error:
        raise QueryError(f"cannot read the regular expression: {error}", token.at) from error


def _glob(token: Token, names: list[str]) -> re.Pattern[str]:
    parts = [re.escape(part) for part in _unquoted(token).split("*")]
    if len(parts) != len(names) + 1:
        raise QueryError(f"{len(parts) - 1} wildcards for {len(names)} names", token.at)
    groups = "".join(f"(?P<{n}>.*?){part}" for n, part in zip(names, parts[1:], strict=True))
    return re.compile(parts[0] + groups + ("$" if not parts[-1] else ""), re.DOTALL)
