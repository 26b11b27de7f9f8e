"""The settings that every room may read: targets, AWS edge, collection, store, dashboard.

Alerts keep their own beside their rules.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from core.people import Role
from core.windows import parse_duration


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""Written as 90s, 5m, 3h, 14d."""


S3_URL = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetSettings(Section):
    """One account: its regions, and how to get in. Without `role_arn` the current credentials (or `profile`)
    are used.
    """

    name: str | None = Field(default=None, description="the account's alias on pages and in messages")
    regions: list[str] = Field(
        default_factory=list,
        description="empty: the region of the environment; `all`: every region that the account has enabled",
    )
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None


class AwsSettings(Section):
    """The AWS edge."""

    endpoint_url: str | None = Field(
        default=None, description="like AWS_ENDPOINT_URL, which wins when both are set"
    )
    calls_per_s: dict[str, float] = Field(
        default_factory=lambda: {
            "lambda": 5.0,
            "logs": 4.0,
            "monitoring": 20.0,
            "xray": 5.0,
            "sqs": 20.0,
            "cloudtrail": 2.0,
        },
        description="client-side ceiling per service (its endpoint prefix), per target",
    )
    budget_usd_per_month: float | None = Field(
        default=None, ge=0, description="collection stops before this is passed"
    )


LogReading = Literal["auto", "every", "aggregated", "off"]

KEPT_SIZE = 280
"""What a filter pattern of at most 1,024 characters has left beside the terms of reports, starts and
errors."""

KeptText = Annotated[str, Field(min_length=3, max_length=100, pattern=r"^[^\\\x00-\x1f]+$")]
"""A backslash would be read as part of the filter's own writing."""


class LogSettings(Section):
    """How logs are read. `auto` chooses per function by volume and budget."""

    mode: LogReading = Field(default="auto", description="of functions that `functions` does not name")
    functions: dict[str, LogReading] = Field(
        default_factory=dict, description="name or pattern (`etl-*`) to mode; the first that fits wins"
    )
    every_up_to_mb_per_day: float = Field(
        default=2_000, ge=0, description="auto reads every invocation of functions that log less than this"
    )
    insights_usd_per_month: float = Field(
        default=5, ge=0, description="auto aggregates (Logs Insights is charged by what it scans) within this"
    )
    keep: list[KeptText] = Field(
        default_factory=list,
        description="parts of log lines (case matters) that are kept beside errors, for search and for rules "
        "on `log_lines`; where every invocation is read",
    )

    @field_validator("keep")
    @classmethod
    def _fits_a_filter(cls, keep: list[str]) -> list[str]:
        size = sum(len(text) + text.count('"') + 4 for text in keep)
        if size > KEPT_SIZE:
            raise ValueError(
                f"together they make a filter of {size} characters; CloudWatch Logs has room for {KEPT_SIZE}"
            )
        return keep


class CollectSettings(Section):
    """What is read, how often, how far back."""

    inventory_every: Duration = timedelta(minutes=5)
    details_every: Duration = timedelta(hours=1)
    metrics_every: Duration = timedelta(minutes=5)
    logs_every: Duration = timedelta(minutes=5)
    queues_every: Duration = timedelta(minutes=5)
    traces_every: Duration = timedelta(minutes=15)
    triggers_every: Duration = timedelta(hours=1)
    changes_every: Duration = timedelta(minutes=15)
    alarms_every: Duration = timedelta(minutes=5)
    prices_every: Duration = timedelta(days=1)
    optimizer_every: Duration = timedelta(days=1)
    charges_every: Duration = timedelta(days=1)
    quiet_after: Duration = Field(
        default=timedelta(hours=24), description="a function without invocations for so long is quiet"
    )
    quiet_every: Duration = Field(
        default=timedelta(hours=1), description="quiet functions' metrics, when the budget asks for savings"
    )
    firing_every: Duration = Field(
        default=timedelta(minutes=1), description="metrics of functions with an open incident"
    )
    logs: LogSettings = LogSettings()
    backfill: Duration = Field(
        default=timedelta(days=3), description="one-minute history read on the first run"
    )
    backfill_coarse: Duration = Field(
        default=timedelta(days=14), description="five-minute history read on the first run"
    )
    max_traces_per_run: int = Field(default=200, ge=0)


class RetentionSettings(Section):
    """How long rows are kept, in whole days. Points of metrics, queues, mappings and capacity become
    coarser first."""

    one_minute: Duration = Field(default=timedelta(days=3), description="then five-minute points")
    five_minute: Duration = Field(default=timedelta(days=30), description="then hourly points")
    metrics: Duration = timedelta(days=455)
    invocations: Duration = timedelta(days=30)
    log_events: Duration = timedelta(days=30)
    traces: Duration = timedelta(days=30)
    queue_samples: Duration = timedelta(days=455)
    mapping_samples: Duration = timedelta(days=455)
    capacity_samples: Duration = timedelta(days=455)
    invocation_summaries: Duration = timedelta(days=90)
    batch_failures: Duration = timedelta(days=30)
    environment_starts: Duration = timedelta(days=30)
    api_calls: Duration = timedelta(days=455)
    metered: Duration = timedelta(days=455)


class StoreSettings(Section):
    """Where facts are kept."""

    path: Path = Field(
        default=Path(".quarterdeck"), description="a folder: state.db and telemetry/ live in it"
    )
    database: SecretStr | None = Field(
        default=None,
        description="`postgresql://user:password@host/name` keeps state there, for many services",
    )
    telemetry: str | None = Field(
        default=None,
        pattern=S3_URL,
        description="`s3://bucket/prefix` keeps telemetry files there; default: telemetry/ in `path`",
    )
    telemetry_endpoint_url: str | None = Field(
        default=None, description="of an S3 that is not AWS's; else AWS_ENDPOINT_URL_S3 if that is set"
    )
    cache_gb: float = Field(
        default=10, gt=0, description="of telemetry files that each machine keeps of what it read from S3"
    )
    retention: RetentionSettings = RetentionSettings()
    max_size_gb: float | None = Field(
        default=None,
        gt=0,
        description="telemetry files stay below it: what is furthest into its retention goes first",
    )
    free_space_floor_mb: int = Field(
        default=500, ge=0, description="collection pauses when the disk has less"
    )


class DashboardSettings(Section):
    address: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    theme: Literal["system", "light", "dark"] = "system"
    allow_anyone: Role | None = Field(
        default=None,
        description="beyond loopback and without access.login: what everybody who reaches the port is",
    )
    hosts: list[str] = Field(
        default_factory=list,
        description="names in the browser's address beside those of loopback, of `address` and of "
        "alerts.base_url; `*` is any",
    )


class SavingsPlanSettings(Section):
    """A Compute Savings Plan, as far as it is there for Lambda."""

    discount: Decimal = Field(
        gt=0, lt=1, description="share off the list price: 0.12 without, 0.17 with all paid upfront"
    )
    commitment_usd_per_hour: Decimal | None = Field(
        default=None, gt=0, description="what is beyond it is charged on demand; left out: all is covered"
    )
    payer: str | None = Field(default=None, description="whose it is; left out: every payer has one like it")


BUDGET_PARTS = ("account", "region", "function", "tag:NAME")


class BudgetSettings(Section):
    """What a part of the fleet may cost in a calendar month, UTC."""

    name: str = Field(min_length=1, description="unique")
    usd_per_month: Decimal = Field(gt=0)
    where: dict[str, str] = Field(
        default_factory=dict,
        description="what it is for, all of it must fit: account, region, function, tag:NAME; "
        "left out: everything that is watched",
    )
    actual: list[Decimal] = Field(
        default_factory=lambda: [Decimal("0.8"), Decimal(1)],
        description="shares of it that were spent, of each of which is told",
    )
    forecast: list[Decimal] = Field(
        default_factory=lambda: [Decimal(1)],
        description="shares of it that the month will end at, of each of which is told",
    )

    @field_validator("where")
    @classmethod
    def _known(cls, where: dict[str, str]) -> dict[str, str]:
        for part in where:
            if part not in BUDGET_PARTS[:-1] and not part.startswith("tag:"):
                raise ValueError(f"{part!r} is none of {', '.join(BUDGET_PARTS)}")
        return where

    @field_validator("actual", "forecast")
    @classmethod
    def _shares(cls, shares: list[Decimal]) -> list[Decimal]:
        wrong = next((share for share in shares if not 0 < share <= 10), None)
        if wrong is not None:
            raise ValueError(f"{wrong} is no share of a budget: write 0.8 for 80 %")
        return sorted(set(shares))


class CostSettings(Section):
    """What the prices and the bill are like."""

    payer: Literal["each", "all"] | dict[str, list[str]] = Field(
        default="each",
        description="who pays together, for tiers and free amounts: `each` account, `all` as one, "
        "or payer to accounts",
    )
    free_tier: bool | Literal["elsewhere"] = Field(
        default=True, description="take AWS's monthly free amounts off; `elsewhere`: others use them up"
    )
    savings_plan: SavingsPlanSettings | None = None
    prices: Path | None = Field(default=None, description="a file of your own prices, which come first")
    refresh_prices: bool = Field(
        default=False, description="ask AWS's Price List once a day (pricing:GetProducts, free)"
    )
    compute_optimizer: bool = Field(
        default=False,
        description="ask AWS Compute Optimizer once a day "
        "(compute-optimizer:GetLambdaFunctionRecommendations, free)",
    )
    cost_explorer: bool = Field(
        default=False,
        description="ask Cost Explorer once a day what was charged (ce:GetCostAndUsage, 0.01 USD a request)",
    )
    bills: list[Path] = Field(
        default_factory=list,
        description="files, or folders of files, of Cost and Usage Reports or FOCUS exports; the service "
        "imports what is new of them",
    )
    budgets: list[BudgetSettings] = Field(default_factory=list)
    holidays: list[date] = Field(
        default_factory=list, description="days that are no usual weekday, for forecasts and anomalies"
    )

    @field_validator("budgets")
    @classmethod
    def _named_once(cls, budgets: list[BudgetSettings]) -> list[BudgetSettings]:
        names = [budget.name for budget in budgets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two budgets are called {twice[0]!r}")
        return budgets

    @field_validator("payer")
    @classmethod
    def _once(cls, payer: str | dict[str, list[str]]) -> str | dict[str, list[str]]:
        accounts = [account for each in payer.values() for account in each] if isinstance(payer, dict) else []
        twice = sorted({account for account in accounts if accounts.count(account) > 1})
        if twice:
            raise ValueError(f"{twice[0]} has two payers")
        return payer

    def payer_of(self, account: str) -> str:
        """Who pays for an account; one that no payer names pays for itself."""
        if isinstance(self.payer, str):
            return account if self.payer == "each" else "all"
        return next((payer for payer, accounts in self.payer.items() if account in accounts), account)
