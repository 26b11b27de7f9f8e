"""What pages ask is kept: a copy for each, or one for all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from dashboard.queries import cached, forget

TIMES = count()


@cached()
def copied() -> list[int]:
    return [next(TIMES)]


@cached(shared=True)
def handed() -> list[int]:
    return [next(TIMES)]


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    yield
    forget()


def test_each_page_may_change_the_answer_it_gets():
    copied().append(1)

    assert len(copied()) == 1


def test_a_shared_answer_is_the_very_same_for_all():
    assert handed() is handed()


@pytest.mark.parametrize("question", [copied, handed])
def test_what_is_forgotten_is_asked_anew(question: Any):
    before = list(question())

    forget()

    assert question() != before
