"""Tables of cost as FOCUS: a row per group and component, to be read by any FinOps tool.

What an estimate does not know stays empty, although FOCUS wants it of usage on a provider's bill: consumed
and pricing quantities with their units, unit prices and SKUs, as a component may be several meters together.

Source: FOCUS 1.0, see `core.focus_columns`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import simplejson

from core.focus_columns import COLUMNS
from core.meters import CLOUDWATCH, LAMBDA, METERS, OWN, SQS, XRAY
from core.windows import Window

SERVICES: Mapping[str, tuple[str, str]] = {
    LAMBDA: ("AWS Lambda", "Compute"),
    CLOUDWATCH: ("Amazon CloudWatch", "Management and Governance"),
    XRAY: ("AWS X-Ray", "Developer Tools"),
    SQS: ("Amazon Simple Queue Service", "Integration"),
    OWN: ("Quarterdeck", "Management and Governance"),
}
_SERVICE_OF = {meter.component: meter.service for meter in METERS.values()}
AWS = "AWS"
EVERY_ACCOUNT = "all"
"""The billing account of rows that are of no one account."""

TAG = "tag:"
_COMPONENT = "x_Component"
_EXTRA = (_COMPONENT, "x_Estimate", "x_State")
_MONEY = pa.decimal128(38, 15)
_TYPES = {"text": pa.string(), "tags": pa.string(), "decimal": _MONEY, "time": pa.timestamp("us", tz="UTC")}

Row = Mapping[Any, Any]


def focus_months(window: Window) -> list[Window]:
    """The window cut at months, since a row has one billing period."""
    parts, start = list[Window](), window.start
    while start < window.end:
        parts.append(Window(start, min(_next_month(start), window.end)))
        start = parts[-1].end
    return parts


def to_focus(
    frame: pd.DataFrame, *, window: Window, payer_of: Callable[[str], str] = lambda account: account
) -> pd.DataFrame:
    """A cost table of one month's `window` with the columns of FOCUS 1.0 and `x_Component`, `x_Estimate`
    (what it is based on) and `x_State` (what it lacks).

    `frame` has any of account, region, function, component and tag:NAME, and `cost_usd` or a column per
    component (`duration_usd`, at list price; `duration_net_usd` beside it after free amounts and plans). Cost
    that is not known is in no row, as FOCUS allows no empty cost. Raises ValueError for several months.
    """
    if len(focus_months(window)) > 1:
        raise ValueError("a row of FOCUS is of one month: cut the window with focus_months")
    rows = [row for one in frame.to_dict("records") for row in _rows(one, window, payer_of)]
    names = [*(column.name for column in COLUMNS), *_EXTRA]
    return pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=pd.Index(names)).astype(
        object
    )


def focus_csv(frame: pd.DataFrame) -> str:
    """The table as CSV: times ISO 8601, exact decimals; no cell can run as a formula."""
    return str(frame.map(_cell).to_csv(index=False, lineterminator="\r\n"))


def focus_parquet(frame: pd.DataFrame) -> bytes:
    """The table as Parquet with the types of FOCUS: exact decimals, times in UTC."""
    types = {column.name: _TYPES[column.type] for column in COLUMNS} | dict.fromkeys(_EXTRA, pa.string())
    arrays = [pa.array(list(frame[name]), types[name]) for name in frame.columns]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=list(frame.columns)), sink)
    return sink.getvalue()


def _rows(row: Row, window: Window, payer_of: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    for component, listed, net in _parts(row):
        if listed:
            service, category = SERVICES[_SERVICE_OF.get(component, LAMBDA)]
            yield {
                **_place(row, payer_of),
                **_period(window),
                **dict.fromkeys(("BilledCost", "EffectiveCost"), net),
                **dict.fromkeys(("ListCost", "ContractedCost"), listed),
                "BillingCurrency": "USD",
                "ChargeCategory": "Usage",
                "ChargeFrequency": "Usage-Based",
                "ChargeDescription": f"{service}: {component}, estimated by Quarterdeck",
                "PricingCategory": "Standard",
                **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), AWS),
                "ServiceName": service,
                "ServiceCategory": category,
                "Tags": _tags(row),
                _COMPONENT: component,
                "x_Estimate": _text(row.get("basis")),
                "x_State": _text(row.get("state")),
            }


def _parts(row: Row) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    """Each component with its cost at list price and net (the same where no net is told)."""
    if "component" in row:
        listed = _usd(row.get("cost_usd"))
        net = _usd(row.get("net_usd"))
        yield str(row["component"]), listed, listed if net is None else net
        return
    for component in _SERVICE_OF:
        listed = _usd(row.get(f"{component}_usd"))
        net = _usd(row.get(f"{component}_net_usd"))
        yield component, listed, listed if net is None else net


def _place(row: Row, payer_of: Callable[[str], str]) -> dict[str, str | None]:
    account, region, function = (_text(row.get(name)) for name in ("account", "region", "function"))
    is_named = account and region and function
    return {
        "BillingAccountId": payer_of(account) if account else EVERY_ACCOUNT,
        "SubAccountId": account,
        "RegionId": region,
        "RegionName": region,
        "ResourceId": f"arn:aws:lambda:{region}:{account}:function:{function}" if is_named else function,
        "ResourceName": function,
        "ResourceType": "Lambda function" if function else None,
    }


def _period(window: Window) -> dict[str, datetime]:
    start = datetime(window.start.year, window.start.month, 1, tzinfo=UTC)
    return {
        "BillingPeriodStart": start,
        "BillingPeriodEnd": _next_month(start),
        "ChargePeriodStart": window.start,
        "ChargePeriodEnd": window.end,
    }


def _next_month(ts: datetime) -> datetime:
    later = datetime(ts.year, ts.month, 1, tzinfo=UTC) + timedelta(days=32)
    return datetime(later.year, later.month, 1, tzinfo=UTC)


def _tags(row: Row) -> str | None:
    named = {str(key).removeprefix(TAG): _text(row[key]) for key in row if str(key).startswith(TAG)}
    told = {key: value for key, value in named.items() if value}
    return simplejson.dumps(told, sort_keys=True) if told else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _usd(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) and value.is_finite() else None


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return f"'{value}"
    return value
