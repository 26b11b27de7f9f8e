"""What roles are not allowed, and the policy that would allow it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from core.iam import allowing, partition_of
from dashboard.numbers import known, plain

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
"""An IAM action; whatever else a message named is never put into a policy."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Accounts whose roles lack the same actions, in one partition of AWS."""

    accounts: tuple[str, ...]
    actions: tuple[str, ...]
    partition: str

    @property
    def policy(self) -> str:
        """The IAM policy to add to their roles, as JSON."""
        return json.dumps(allowing("QuarterdeckLacks", self.actions, self.partition), indent=2)


def lacks(collectors: pd.DataFrame, gaps: pd.DataFrame) -> list[Lack]:
    """From refused runs and from gaps (both with account, region, permission); most actions first."""
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for frame in (collectors, gaps):
        rows = frame.loc[frame["permission"].notna(), ["account", "region", "permission"]].drop_duplicates()
        for row in rows.itertuples(index=False):
            if known(row.permission) and _ACTION.fullmatch(str(row.permission)):
                named[str(row.account), partition_of(str(row.region))].add(str(row.permission))
    alike: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for (account, partition), actions in named.items():
        alike[tuple(sorted(actions)), partition].add(account)
    found = [Lack(tuple(sorted(accounts)), *key) for key, accounts in alike.items()]
    return sorted(found, key=lambda lack: (-len(lack.actions), lack.accounts))


def lack_line(lack: Lack, names: Mapping[str, str]) -> str:
    """Who lacks what, as Markdown."""
    who = [plain(names.get(account, account)) for account in lack.accounts]
    roles = f"The role in {who[0]} lacks" if len(who) == 1 else f"The roles in {', '.join(who)} lack"
    return f"{roles} {', '.join(f'`{action}`' for action in lack.actions)}."
