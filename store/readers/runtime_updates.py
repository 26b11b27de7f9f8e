"""When a function's environments began to start with another version of their runtime."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.windows import Window
from store.asking import reader
from store.readers.frames import rows
from store.readers.things import Place, sql_where
from store.store import Filter, Store

LOOK_BACK = timedelta(days=1)
"""How long before a window the start is looked for that the first one in it is compared with."""

_WHOSE = 'account, region, "function", version'


@dataclass(frozen=True, slots=True)
class RuntimeUpdate:
    """The first start of a version of a function on another version of its runtime."""

    ts: datetime
    place: Place
    version: str
    old_arn: str
    new_arn: str


@reader
def runtime_updates(store: Store, window: Window, where: Filter) -> list[RuntimeUpdate]:
    """By the first lines of environments' logs: the inventory's listing does not tell runtime versions, and
    Lambda updates them without a call that CloudTrail would have. Each version is compared with itself only.
    None is known of functions whose log is aggregated or not read, nor of images.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtime-management-identify.html
    """
    wide = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(wide, ("environment_starts",), place=_one(where)) as snapshot:
        wanted, params = sql_where(where)
        moved = f"""SELECT {_WHOSE} FROM environment_starts
            WHERE {wanted} GROUP BY ALL HAVING min(runtime_arn) < max(runtime_arn)"""
        if snapshot.frame(f"SELECT count(*) AS some FROM ({moved})", params)["some"].item() == 0:
            return []  # nearly always: one look at the starts will do
        found = snapshot.frame(
            f"""WITH ordered AS (SELECT {_WHOSE}, ts, runtime_arn, lag(runtime_arn) OVER
                        (PARTITION BY {_WHOSE} ORDER BY ts, runtime_arn) AS old_arn
                    FROM environment_starts SEMI JOIN ({moved}) USING ({_WHOSE})
                    WHERE runtime_arn IS NOT NULL)
            SELECT * FROM ordered
            WHERE old_arn <> runtime_arn AND ts >= $start AND ts < $end ORDER BY ALL""",
            {**params, "start": window.start, "end": window.end},
        )
    return [_update(row) for row in rows(found)]


def _one(where: Filter) -> Place | None:
    """The function that is asked about, if it is one."""
    place = where.account, where.region, where.function
    return (place[0], place[1], place[2]) if place[0] and place[1] and place[2] else None


def _update(row: Any) -> RuntimeUpdate:
    place = row.account, row.region, row.function
    return RuntimeUpdate(row.ts.to_pydatetime(), place, row.version, row.old_arn, row.runtime_arn)
