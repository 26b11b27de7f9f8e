"""Provisioned concurrency that serves nobody: on what does not exist, or on a version that nothing names."""

from __future__ import annotations

from collections.abc import Collection

from core.facts import Alias, Provisioned

LATEST = "$LATEST"


def orphaned(
    pool: Provisioned,
    *,
    versions: Collection[str],
    aliases: Collection[Alias],
    named: Collection[str] = (),
) -> str | None:
    """Why nobody is served by `pool`, None when somebody may be.

    `versions` are the function's published numbers, `aliases` its aliases, `named` the qualifiers that event
    source mappings and triggers invoke. A caller that names the version itself is not seen from here.
    """
    own = [alias for alias in aliases if alias.function == pool.function]
    if not pool.qualifier.isdecimal():
        known = any(alias.alias == pool.qualifier for alias in own)
        return None if known or pool.qualifier == LATEST else f"alias {pool.qualifier} does not exist"
    if pool.qualifier not in versions:
        return f"version {pool.qualifier} does not exist"
    reached = any(alias.version == pool.qualifier or alias.weights.get(pool.qualifier) for alias in own)
    if reached or pool.qualifier in named:
        return None
    return f"no alias or trigger reaches version {pool.qualifier}"
