"""How functions are set up, as right-sizing looks at it: their log groups, old versions, idle units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.rightsizing import LogGroupSeen, OldVersion, Pool
from core.windows import total
from store.readers.capacity import provisioned_versions
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.held import GroupKey, group_of, is_charged_snapshot
from store.readers.things import Place, Thing, Things

KINDS = ("function", "version", "alias", "provisioned", "mapping", "trigger", "log_group", "account_limits")
"""Entities that this needs."""

DAY, LEAST_SEEN = timedelta(days=1), timedelta(hours=1)
KEPT = 3
"""Newest versions of a function that stay, to go back to."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Of a fleet, by function. `used` are versions that ran in the window."""

    coverage: Coverage
    counted: Mapping[Place, Any]
    used: set[tuple[str, str, str, str]]
    groups: Mapping[GroupKey, Thing]
    writers: Mapping[GroupKey, int]
    versions: Mapping[Place, list[Thing]]
    named: Mapping[Place, set[str]]
    code_share: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        things: Things,
        coverage: Coverage,
        counted: Mapping[Place, Any],
        used: set[tuple[str, str, str, str]],
    ) -> Setup:
        writers: dict[GroupKey, int] = defaultdict(int)
        for thing in things.of("function"):
            writers[group_of(thing)] += 1
        versions: dict[Place, list[Thing]] = defaultdict(list)
        for thing in things.of("version"):
            versions[thing.place].append(thing)
        groups = {(t.account, t.region, t.name): t for t in things.of("log_group")}
        return cls(coverage, counted, used, groups, writers, versions, _named(things), _shares(things))

    def log_group(self, thing: Thing) -> LogGroupSeen | None:
        key = group_of(thing)
        group = self.groups.get(key)
        if group is None:
            return None
        created = group.body.get("created")
        return LogGroupSeen(
            name=key[2],
            retention_days=group.body.get("retention_days"),
            stored_bytes=group.body.get("stored_bytes"),
            created=datetime.fromisoformat(created) if created else None,
            bytes_a_day=self._bytes_a_day(thing.place),
            shared_by=self.writers[key],
        )

    def _bytes_a_day(self, place: Place) -> float | None:
        row, seen = self.counted.get(place), total(self.coverage.covered("metrics", *place))
        if row is None or pd.isna(row.log_bytes) or seen < LEAST_SEEN:
            return None
        return float(row.log_bytes) * (DAY / seen)

    def invocations(self, place: Place) -> float | None:
        row = self.counted.get(place)
        if row is None or pd.isna(row.invocations):
            return 0.0 if self.coverage.seen("metrics", *place).complete else None
        return float(row.invocations)

    def old_versions(self, place: Place) -> Iterator[OldVersion]:
        """All but the newest KEPT that nothing names and nothing ran, the oldest first."""
        known = sorted(self.versions.get(place, ()), key=lambda thing: _number(thing.body["version"]))
        codes = Counter(thing.body.get("code_sha256") for thing in known)
        for thing in known[:-KEPT]:
            version, body = str(thing.body["version"]), thing.body
            if version not in self.named.get(place, ()) and (*place, version) not in self.used:
                yield OldVersion(
                    version=version,
                    bytes=body.get("code_size_bytes"),
                    memory_mb=body.get("memory_mb"),
                    is_cached=is_charged_snapshot(body),
                    is_duplicate=bool(body.get("code_sha256")) and codes[body["code_sha256"]] > 1,
                )


def _number(version: Any) -> int:
    return int(version) if str(version).isdecimal() else 0


def _named(things: Things) -> dict[Place, set[str]]:
    """Versions that an alias, a trigger or provisioned concurrency names."""
    found: dict[Place, set[str]] = defaultdict(set)
    for thing in things.of("alias"):
        found[thing.place] |= {str(thing.body["version"]), *(thing.body.get("weights") or {})}
    for kind in ("mapping", "trigger"):
        for thing in things.of(kind):
            found[thing.place].add(str(thing.body.get("qualifier") or ""))
    for place, versions in provisioned_versions(things).items():
        found[place] |= versions
    return found


def _shares(things: Things) -> dict[tuple[str, str], float]:
    """How much of the storage for code each account and region uses, 0..1."""
    limits = ((t.account, t.region, t.body) for t in things.of("account_limits"))
    return {
        (account, region): body["code_size_bytes"] / body["code_size_limit_bytes"]
        for account, region, body in limits
        if body.get("code_size_bytes") is not None and body.get("code_size_limit_bytes")
    }


def idle_pools(idle: pd.DataFrame) -> dict[Place, list[Pool]]:
    """From `caps.idle_provisioned`, by function."""
    found: dict[Place, list[Pool]] = defaultdict(list)
    for row in rows(idle):
        pool = Pool(qualifier=row.qualifier, held=float(row.held), why=row.why, usd_month=row.usd_month)
        found[row.account, row.region, row.function].append(pool)
    return found
