"""The one HTTP client that notices are sent with."""

from __future__ import annotations

import logging

import httpx


def quiet_http_logs() -> None:
    """httpx logs every URL at INFO, and a webhook's URL is a password. Called wherever a client is used."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


HEADERS = {"User-Agent": "quarterdeck", "Accept-Encoding": "identity"}
"""Not compressed: the beginning of an answer is all that is read."""


def open_http() -> httpx.Client:
    """A client for webhooks: no redirects, no cookies kept, the environment's proxies."""
    quiet_http_logs()
    return httpx.Client(timeout=10, follow_redirects=False, headers=HEADERS)
