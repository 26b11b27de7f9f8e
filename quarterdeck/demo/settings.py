"""Settings and environment that make Quarterdeck watch the demo account like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.specs import ACCOUNTS, REGIONS, ROLE, Company

SERVICES = (
    "lambda", "logs", "monitoring", "xray", "sqs", "tagging", "sts", "cloudtrail", "events", "scheduler",
    "iam", "ec2", "account", "sns", "states", "api.pricing",
)  # fmt: skip


def demo_settings(endpoint: str, company: Company = MERIDIAN) -> dict[str, Any]:
    """The content of a settings file: the accounts and regions of a company, every collector each minute."""
    every = ("inventory", "details", "metrics", "logs", "queues", "traces", "triggers", "changes")
    living = {spec.account for spec in company.functions}
    return {
        "targets": [
            {"name": name, "regions": list(company.regions), "role_arn": f"arn:aws:iam::{number}:role/{ROLE}"}
            for number, name in ACCOUNTS.items()
            if number in living
        ],
        "aws": {"endpoint_url": endpoint, "calls_per_s": dict.fromkeys(SERVICES, 200.0)},
        "collect": {f"{name}_every": "1m" for name in every},
        "cost": {"refresh_prices": True, "compute_optimizer": True, "cost_explorer": True},
    }


def environment(endpoint: str, settings_path: Path | str) -> dict[str, str]:
    """The variables to export so that Quarterdeck, or any AWS tool, talks to the demo."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIADEMO",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_DEFAULT_REGION": REGIONS[0],
        "QUARTERDECK_SETTINGS": str(settings_path),
    }
