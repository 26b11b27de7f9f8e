"""Who calls whom: nodes from left to right in the order of calls, failing ones marked by colour and words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.graph import CLIENT, Graph, Key, Tally
from dashboard.charts import theme

MOST_NODES = 40
ROW_PX, LEAST_PX = 78, 190
BAD, SOME = 0.05, 0.0
"""Shares of failed calls from which a node is red, or amber."""

KINDS = {
    "AWS::Lambda::Function": "function",
    "AWS::ApiGateway::Stage": "API",
    "AWS::DynamoDB::Table": "table",
    "AWS::SQS::Queue": "queue",
    "AWS::SNS": "topic",
    "AWS::S3::Bucket": "bucket",
    "client": "callers",
    "remote": "outside",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """`option` for `st.echarts_chart`, its height, and how many nodes were left out."""

    option: dict[str, Any]
    height_px: int
    left_out: int


def kind_word(kind: str) -> str:
    """A node's kind as people say it."""
    return KINDS.get(kind) or kind.removeprefix("AWS::").replace("::", " ") or "service"


def layers(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> Mapping[Key, int]:
    """How far each node is from the callers, along the longest way that goes round no circle."""
    below: dict[Key, list[Key]] = {node: [] for node in nodes}
    for source, target in edges:
        if source in below and target in below and source != target:
            below[source].append(target)
    order, back = _in_order(nodes, below)
    depth = dict.fromkeys(nodes, 0)
    for node in order:
        for target in below[node]:
            if (node, target) not in back:
                depth[target] = max(depth[target], depth[node] + 1)
    return depth


def _in_order(
    nodes: Sequence[Key], below: Mapping[Key, Sequence[Key]]
) -> tuple[list[Key], set[tuple[Key, Key]]]:
    """Nodes before what they call, and the calls that go back in a circle."""
    done: dict[Key, bool] = {}
    order: list[Key] = []
    back: set[tuple[Key, Key]] = set()
    for first in sorted(nodes, key=lambda node: (node != CLIENT, node)):
        waiting = [(first, iter(sorted(below[first])))] if first not in done else []
        done.setdefault(first, False)
        while waiting:
            node, rest = waiting[-1]
            target = next(rest, None)
            if target is None:
                done[node] = True
                order.append(node)
                waiting.pop()
            elif target not in done:
                done[target] = False
                waiting.append((target, iter(sorted(below[target]))))
            elif not done[target]:
                back.add((node, target))
    return order[::-1], back


def service_map(graph: Graph, *, most: int = MOST_NODES) -> Drawn:
    """Draw the busiest `most` nodes. Names come from others: they are text only."""
    ranked = sorted(graph.nodes, key=lambda node: (node != CLIENT, -graph.nodes[node].calls, node))
    nodes = [node for node in ranked[:most] if node != CLIENT or any(s == CLIENT for s, _ in graph.edges)]
    ids = {node: str(at) for at, node in enumerate(nodes)}
    edges = {pair: tally for pair, tally in graph.edges.items() if pair[0] in ids and pair[1] in ids}
    places = positions(nodes, list(edges))
    height = max(
        LEAST_PX, ROW_PX * max((row for _, row in _grid(nodes, list(edges)).values()), default=0) + ROW_PX
    )
    busiest = max((tally.calls for tally in edges.values()), default=1)
    series = {
        "type": "graph",
        "layout": "none",
        "roam": False,
        "left": 70,
        "right": 90,
        "top": 24,
        "bottom": 46,
        "edgeSymbol": ["none", "arrow"],
        "edgeSymbolSize": 7,
        "nodeScaleRatio": 0,
        "emphasis": {"focus": "adjacency"},
        "label": {"show": True, "position": "bottom", "formatter": "{b}", "fontSize": 11, "lineHeight": 14},
        "edgeLabel": {"show": True, "formatter": "{c}", "fontSize": 10.5},
        "data": [_node(ids[node], node, graph.nodes[node], places[node]) for node in nodes],
        "links": [
            _edge(ids[source], ids[target], tally, busiest) for (source, target), tally in edges.items()
        ],
    }
    option = {
        "animation": False,
        "tooltip": {"trigger": "item", "confine": True, "formatter": "{b}"},
        "series": [series],
    }
    return Drawn(option, height, len(graph.nodes) - len(nodes))


def positions(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> Mapping[Key, tuple[float, float]]:
    """x and y of each node: a column per layer, columns centred on each other."""
    grid = _grid(nodes, edges)
    tallest = max((row for _, row in grid.values()), default=0)
    sizes: dict[int, int] = {}
    for column, row in grid.values():
        sizes[column] = max(sizes.get(column, 0), row)
    return {
        node: (grid[node][0] * 260.0, (grid[node][1] + (tallest - sizes[grid[node][0]]) / 2) * ROW_PX)
        for node in nodes
    }


def _grid(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> Mapping[Key, tuple[int, int]]:
    """Column and row of each node, and of each place where a long call passes through a column: within a
    column near those that call it."""
    depth = dict(layers(nodes, edges))
    steps: list[tuple[Key, Key]] = []
    for source, target in edges:
        before = source
        for column in range(depth[source] + 1, depth[target]):
            passing = (f"{source}{target}", str(column))
            depth[passing] = column
            steps.append((before, passing))
            before = passing
        steps.append((before, target))
    rows: dict[Key, int] = {}
    for column in sorted(set(depth.values())):
        callers = {
            node: [rows[source] for source, target in steps if target == node and source in rows]
            for node in depth
            if depth[node] == column
        }
        near = {node: sum(above) / len(above) if above else 0.0 for node, above in callers.items()}
        for row, node in enumerate(sorted(near, key=lambda node: (near[node], node))):
            rows[node] = row
    return {node: (depth[node], rows[node]) for node in depth}


def _node(id: str, node: Key, tally: Tally, place: tuple[float, float]) -> dict[str, Any]:
    name, kind = node
    share = tally.failed / tally.calls if tally.calls else None
    colour = theme.UNKNOWN if share is None else _colour(share)
    shape = "rect" if node == CLIENT else "diamond" if share and share >= BAD else "circle"
    return {
        "id": id,
        "name": _text(name, kind, tally, share),
        "x": place[0],
        "y": place[1],
        "symbol": shape,
        "symbolSize": 14 if node == CLIENT else round(16 + 4 * math.log10(max(1, tally.calls)), 1),
        "itemStyle": {"color": colour},
    }


def _text(name: str, kind: str, tally: Tally, share: float | None) -> str:
    if (name, kind) == CLIENT:
        return "callers"
    short = " ".join(name.split())
    short = short if len(short) <= 28 else short[:26] + " …"
    said = [f"{tally.calls:,}" + (f", {_percent(share)} failed" if share else "")]
    if tally.timed:
        said.append(f"{tally.duration_sum_ms / tally.timed:,.0f} ms")
    return f"{short}\n{kind_word(kind)} · {' · '.join(said)}"


def _edge(source: str, target: str, tally: Tally, busiest: int) -> dict[str, Any]:
    share = tally.failed / tally.calls if tally.calls else 0.0
    width = 1 + 3 * math.log1p(tally.calls) / math.log1p(max(1, busiest))
    label = f"{tally.calls:,}" + (f", {_percent(share)} failed" if share else "")
    return {
        "source": source,
        "target": target,
        "value": label,
        "lineStyle": {
            "width": round(width, 1),
            "color": _colour(share) if share else theme.UNKNOWN,
            "opacity": 0.75,
            "curveness": 0.06,
        },
    }


def _colour(share: float) -> str:
    return theme.CRITICAL if share >= BAD else theme.WARNING if share > SOME else theme.INFO


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%" if share < 0.1 else f"{share * 100:.0f}%"
