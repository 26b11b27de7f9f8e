"""Event source mappings: their names, and what their pollers counted."""

from __future__ import annotations

import hashlib
import uuid

from quarterdeck.demo.specs import Spec


def mapping_id(spec: Spec, *, retired: bool = False) -> str:
    """The UUID of a function's mapping, or of the one that it had before."""
    text = f"mapping/{spec.arn}{'/retired' if retired else ''}"
    return str(uuid.UUID(hashlib.sha256(text.encode()).hexdigest()[:32]))
