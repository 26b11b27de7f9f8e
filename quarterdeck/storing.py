"""What the `store` commands print."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from quarterdeck.output import Column, moment, plain, text, words
from store.check import Finding

FINDINGS = (
    Column("what", "what", text),
    Column("kind", "kind", text),
    Column("account", "account", text),
    Column("region", "region", text),
    Column("from", "start", moment),
    Column("to", "end", moment),
    Column("repaired", "repaired", text),
    Column("finding", "text", text),
)
STORED = (Column("table", "table", text), Column("columns", "columns", words))


def finding_row(finding: Finding) -> dict[str, Any]:
    kept = finding.kept
    return {
        "what": finding.what,
        "path": finding.path,
        "kind": kept and kept.kind,
        "account": kept and kept.target.account,
        "region": kept and kept.target.region,
        "start": kept and plain(kept.window.start),
        "end": kept and plain(kept.window.end),
        "repaired": finding.repaired,
        "text": finding.text,
    }


def stored_row(name: str, schema: pa.Schema) -> dict[str, Any]:
    return {"table": name, "columns": schema.names}
