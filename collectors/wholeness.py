"""Whether an answer arrived whole: botocore takes a body that was cut for an answer with nothing in it."""

from __future__ import annotations

from typing import Any


def what_is_missing(http_response: Any, model: Any) -> str | None:
    """Why the body cannot be what AWS sent, None when it can: cut short, or somebody's web page.

    `model` is the operation's: the body of one that streams is left to whoever reads it.
    """
    headers = getattr(http_response, "headers", None)
    if headers is None or http_response.status_code >= 300 or model.has_streaming_output:
        return None
    announced = str(headers.get("content-length") or "")
    arrived = len(http_response.content)
    if announced.isdigit() and arrived < int(announced):
        return f"the connection was cut after {arrived:,} of {int(announced):,} bytes"
    if http_response.content[:64].lstrip().lower().startswith((b"<html", b"<!doctype html")):
        return "a web page came instead of an answer; a proxy in between may want a login"
    return None
