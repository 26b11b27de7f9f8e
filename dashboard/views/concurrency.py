"""How close is the nearest limit, who uses it, and what was refused?"""

from __future__ import annotations

from core.windows import Window
from dashboard import (
    concurrency_parts,
    concurrency_users,
    figures_concurrency,
    figures_pools,
    queries,
    queries_concurrency,
    tables,
    widgets,
)
from dashboard.compare import earlier


def page(window: Window) -> None:
    scope, now = queries.scope(), queries.now()
    limits = queries.within(queries.limits(window, now), scope)
    if limits.empty:
        widgets.no_data("No account's concurrency limit has been read yet.", collector="details")
        return
    limits = tables.with_place(limits).sort_values(
        "utilization", ascending=False, na_position="last", kind="stable"
    )
    before = earlier(window)
    outlooks = queries_concurrency.outlooks(scope, now)
    bursts = queries_concurrency.bursts(window, scope, now)
    idle = queries_concurrency.idle_provisioned(window, scope, now)
    tables.say(figures_concurrency.answer(limits, bursts, outlooks))
    if len(bursts):
        concurrency_parts.throttled(bursts)
    earlier_limits = queries.within(queries.limits(before, now), scope)
    widgets.cards(figures_concurrency.cards(limits, earlier_limits, outlooks, bursts, idle))
    concurrency_parts.accounts(figures_pools.with_outlook(limits, outlooks))
    concurrency_users.users(limits, outlooks, window)
    concurrency_parts.burst_table(bursts)
    concurrency_parts.forgotten(figures_pools.forgotten(queries_concurrency.caps(window, scope, now), idle))
    pools = queries.within(queries_concurrency.pools(window, now), scope)
    concurrency_parts.pools(figures_pools.with_outlook(pools, outlooks))
    held = queries_concurrency.provisioned(window, scope, now)
    if len(held):
        concurrency_parts.provisioned(figures_pools.provisioned_rows(held))


widgets.toolbar("Concurrency")
widgets.live(page)
