"""A value against its limit as a small drawing, in numbers that an inline SVG needs; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from core.windows import Window

WIDTH, HEIGHT = 900, 220

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sketch:
    """`values` and `limits` are lines, each a list of points as SVG writes them; unknown minutes break them.
    `fired` is from x and how wide. `words` say it to whoever cannot see it."""

    values: tuple[str, ...]
    limits: tuple[str, ...]
    fired: tuple[float, float]
    top: str
    start: str
    end: str
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def sketch(
    ends: Sequence[datetime],
    value: Floats,
    limit: Floats,
    *,
    window: Window,
    fired: tuple[datetime, datetime | None],
    say: Callable[[float], str],
) -> Sketch:
    """Draw what lies in `window`; its highest number is at the top, zero at the bottom."""
    inside = [at for at, end in enumerate(ends) if window.start < end <= window.end]
    value, limit = value[inside], limit[inside]
    known = np.concatenate([value[np.isfinite(value)], limit[np.isfinite(limit)]])
    top = float(known.max()) * 1.1 if known.size and known.max() > 0 else 1.0
    x = [_x(ends[at], window) for at in inside]
    left, right = _x(fired[0], window), _x(fired[1] or window.end, window)
    finite = value[np.isfinite(value)]
    words = f"from {say(float(finite.min()))} to {say(float(finite.max()))}" if finite.size else "unknown"
    return Sketch(
        _lines(x, value, top),
        _lines(x, limit, top),
        (left, max(right - left, 1.0)),
        say(top),
        _clock(window.start),
        _clock(window.end),
        words,
    )


def _lines(x: Sequence[float], values: Floats, top: float) -> tuple[str, ...]:
    lines, points = list[str](), list[str]()
    for at, number in zip(x, values.tolist(), strict=True):
        if np.isfinite(number):
            points.append(f"{at:.1f},{HEIGHT - min(max(number / top, 0.0), 1.0) * HEIGHT:.1f}")
        elif points:
            lines.append(" ".join(points))
            points = []
    return (*lines, " ".join(points)) if points else tuple(lines)


def _x(ts: datetime, window: Window) -> float:
    return min(max((ts - window.start) / window.duration, 0.0), 1.0) * WIDTH


def _clock(ts: datetime) -> str:
    return ts.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
