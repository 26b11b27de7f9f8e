"""Puts calls that no collector made on the month's bill."""

from __future__ import annotations

from datetime import datetime

from collectors.aws import Aws
from core.errors import StoreError
from core.settings import StoreSettings
from store.store import Store


def bill_outside(settings: StoreSettings, aws: Aws, who: str, *, now: datetime) -> None:
    """Count what this thread called on `aws` as `who`'s, if there is a store to keep it."""
    usage = aws.take_usage()
    try:
        store = Store.open(settings, create=False)
    except StoreError:
        return  # there is none yet, or the check of the store has told what is wrong with it
    try:
        store.count(aws.target, who, usage, now=now)
    finally:
        store.close()
