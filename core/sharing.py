"""Dividing an amount so that the parts add up to it, to the last decimal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)

DIGITS = 60


def share_out(total: Decimal, weights: Mapping[Name, Decimal], grain: Decimal) -> dict[Name, Decimal]:
    """`total` in proportion to `weights`, in whole grains: what is left of rounding down goes to the largest
    remainders, a grain each. Nothing to anybody when all weights are zero.

    The order of `weights` does not matter. What of `total` is finer than a grain stays with the largest part.
    """
    with localcontext(prec=DIGITS):
        whole = sum(weights.values(), Decimal(0))
        if whole == 0:
            return dict.fromkeys(weights, Decimal(0))
        exact = {name: total * weight / whole for name, weight in weights.items()}
        parts = {name: part.quantize(grain, ROUND_FLOOR) for name, part in exact.items()}
        left = total - sum(parts.values(), Decimal(0))
        if left:
            order = sorted(parts, key=lambda n: (parts[n] - exact[n], -weights[n], repr(n)))
            for name in order[: int(left // grain)]:
                parts[name] += grain
            parts[order[0]] += left % grain
        return parts
