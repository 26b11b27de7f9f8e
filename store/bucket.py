"""An S3 prefix: requests that say in one sentence why they failed, and are counted for the bill."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore import exceptions as boto
from botocore.config import Config
from s3transfer.exceptions import RetriesExceededError

from core.errors import StoreError
from core.facts import Usage
from core.settings import S3_URL

CONNECT_S, ANSWER_S, ATTEMPTS = 5.0, 10.0, 3
"""An S3 that does not answer is given up after about a minute."""

AT_ONCE = 8
"""Transfers side by side."""

MIB = 2**20
PART = 64 * MIB
"""Files up to this size travel in one request: the parts of larger ones are paid one by one."""

GONE = frozenset({"NoSuchKey", "404", "NotFound"})

_PERMISSIONS: Mapping[str, str] = {
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObject": "s3:DeleteObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
}
"""What an operation asks of the role; all others write."""

_ADVICE: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket; create it, or correct store.telemetry",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION to it",
    "InvalidAccessKeyId": "these credentials are not known there",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the credentials have expired; sign in again",
    "RequestTimeTooSkewed": "this machine's clock is off; set the time, e.g. with NTP",
    "SlowDown": "it asks to slow down",
    "ServiceUnavailable": "it is not available now",
    "InternalError": "it has an internal error",
    "500": "it has an internal error",
    "503": "it is not available now",
    "QuotaExceeded": "its quota is used up",
    "XMinioStorageFull": "its disk is full",
}

_SILENCE = (boto.ReadTimeoutError, boto.ConnectTimeoutError, boto.EndpointConnectionError)

_COMMON = frozenset({"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-north-1"})
_WRITE_USD, _READ_USD = Decimal("0.000005"), Decimal("0.0000004")
_FREE = frozenset({"DeleteObject", "AbortMultipartUpload"})
_AWS = re.compile(
    r"https?://(?:[^/]+\.)?s3(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:/|$)"
)


class Bucket:
    """A prefix of a bucket, whose keys are told without it. Safe to share by threads."""

    def __init__(
        self,
        url: str,
        endpoint_url: str | None = None,
        *,
        answer_s: float = ANSWER_S,
        attempts: int = ATTEMPTS,
    ) -> None:
        name, self._prefix = parse(url)
        self._name, self._endpoint_url = name, endpoint_url
        self._config = {
            "read_timeout": answer_s,
            "retries": {"mode": "standard", "total_max_attempts": attempts},
        }
        self.where = f"s3://{name}/{self._prefix}".rstrip("/")
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Decimal | None]] = Counter()
        self._made: tuple[Any, Any] | None = None

    def text(self, key: str) -> str | None:
        """What a small object says; None: there is none."""
        with suppress(_GoneError), self._explained(f"read {key} from"):
            answer = self._client.get_object(Bucket=self._name, Key=self._prefix + key)
            return str(answer["Body"].read().decode())
        return None

    def write(self, key: str, text: str) -> None:
        with self._explained(f"write {key} to"):
            self._client.put_object(Bucket=self._name, Key=self._prefix + key, Body=text.encode())

    def get(self, key: str, file: Path) -> bool:
        """Write an object to a file; False: there is none."""
        try:
            with self._explained(f"read {key} from"):
                self._transfers.download(self._name, self._prefix + key, str(file)).result()
        except _GoneError:
            return False
        return True

    def put(self, file: Path, key: str) -> None:
        """Once this returns the object is there, whole; before, there is nothing."""
        with self._explained(f"write {key} to"):
            self._transfers.upload(str(file), self._name, self._prefix + key).result()

    def listed(self, start: str) -> Iterator[tuple[str, int, timedelta]]:
        """Key, bytes and age (by the clock of S3) of everything whose key starts so."""
        with self._explained("list"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, Prefix=self._prefix + start):
                now = _date(page)
                for item in page.get("Contents", ()):
                    key = str(item["Key"]).removeprefix(self._prefix)
                    yield key, int(item["Size"]), now - item["LastModified"]

    def delete(self, key: str) -> None:
        with self._explained(f"remove {key} from"):
            self._client.delete_object(Bucket=self._name, Key=self._prefix + key)

    def copy(self, key: str, to: str) -> None:
        """Nothing happens if there is no such object."""
        source = {"Bucket": self._name, "Key": self._prefix + key}
        with suppress(_GoneError), self._explained(f"copy {key} within"):
            self._transfers.copy(source, self._name, self._prefix + to).result()

    def troubles(self) -> list[str]:
        """Tries everything once, on an object of its own; what fails, a sentence each."""
        key, found = f"probe-{uuid.uuid4().hex}", []
        for attempt in (
            lambda: next(self.listed("kind="), None),
            lambda: self.write(key, key),
            lambda: self.text(key),
            lambda: self.delete(key),
        ):
            try:
                attempt()
            except StoreError as error:
                found.append(str(error))
        return list(dict.fromkeys(found))

    def take_usage(self) -> tuple[Usage, ...]:
        """Requests since the last time that this was asked."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return tuple(
            Usage(
                service="s3",
                operation=operation,
                calls=calls,
                units=calls,
                cost_usd=None if price is None else f"{(price * calls).normalize():f}",
            )
            for (operation, price), calls in sorted(counts.items(), key=lambda c: c[0][0])
        )

    def close(self) -> None:
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made[1].shutdown()

    @property
    def _client(self) -> Any:
        return self._connected()[0]

    @property
    def _transfers(self) -> Any:
        return self._connected()[1]

    def _connected(self) -> tuple[Any, Any]:
        with self._lock:
            if self._made is None:
                client = _client(self._endpoint_url, self._config)
                client.meta.events.register("request-created.s3", self._count)
                config = TransferConfig(
                    multipart_threshold=PART,
                    multipart_chunksize=PART,
                    max_concurrency=AT_ONCE,
                    num_download_attempts=2,
                    preferred_transfer_client="classic",
                )
                self._made = client, create_transfer_manager(client, config)
            return self._made

    def _count(self, request: Any, operation_name: str, **_: Any) -> None:
        with self._lock:
            self._counts[operation_name, price_usd(operation_name, request.url)] += 1

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Turn what botocore raises into a StoreError, or _GoneError."""
        try:
            yield
        except (boto.BotoCoreError, boto.ClientError, RetriesExceededError) as raised:
            error = _cause(raised)
            if isinstance(error, boto.ClientError) and _code(error) in GONE:
                raise _GoneError from error
            kind = StoreError if isinstance(error, RetriesExceededError) else BucketError
            raise kind(f"cannot {doing} {self.where}: {advice(error)}") from error


class BucketError(StoreError):
    """The bucket as a whole cannot be used now."""


class _GoneError(Exception):
    """There is no object of that name."""


def _cause(error: Exception) -> Exception:
    """A transfer that was given up since nothing answered is of the bucket, not of one object."""
    last = getattr(error, "last_exception", None)
    return last if isinstance(last, _SILENCE) else error


def parse(url: str) -> tuple[str, str]:
    """Bucket and prefix (with a slash at its end, or empty) of `s3://bucket/prefix`."""
    if re.fullmatch(S3_URL, url) is None:
        raise StoreError(f"store.telemetry must be a URL such as s3://bucket/prefix, not {url}")
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def price_usd(operation: str, url: str) -> Decimal | None:
    """What AWS bills for a request to S3 Standard; None where we do not know, as of an S3 that is not AWS's.

    Source: https://aws.amazon.com/s3/pricing/ (requests: 0.005 USD per 1,000 PUT, COPY, POST and LIST, 0.0004
    per 1,000 of all others, DELETE free, in the regions of `_COMMON`; other regions differ).
    """
    found = _AWS.match(url)
    if found is None or (found["region"] or "us-east-1") not in _COMMON:
        return None
    if operation in _FREE:
        return Decimal(0)
    return _READ_USD if operation in ("GetObject", "HeadObject") else _WRITE_USD


def advice(error: Exception) -> str:
    """What a failure of botocore means, and what to do."""
    if isinstance(error, boto.ClientError):
        code, operation = _code(error), error.operation_name
        if code in ("AccessDenied", "403", "Forbidden"):
            return f"the role lacks {_PERMISSIONS.get(operation, 's3:PutObject')} on it (see docs/store.md)"
        return _ADVICE.get(code) or str(error.response.get("Error", {}).get("Message") or code)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return "there are no AWS credentials; sign in, or give this machine a role"
    if isinstance(error, RetriesExceededError):
        return "its answers break off"
    if isinstance(error, _SILENCE):
        return "it does not answer"
    return " ".join(str(error).split())


def _code(error: boto.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


_OURS: Mapping[str, Any] = {"ignore_configured_endpoint_urls": True}
"""An endpoint that is meant for all of AWS, as the demo account's, is not one to keep files in."""


def _client(endpoint_url: str | None, given: Mapping[str, Any]) -> Any:
    """The usual chain finds the credentials."""
    config = Config(
        connect_timeout=CONNECT_S,
        max_pool_connections=2 * AT_ONCE,
        **_OURS,
        **given,
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        request_checksum_calculation="when_required" if endpoint_url else "when_supported",
        response_checksum_validation="when_required",  # else each download asks twice
    )
    with _making:  # a session is not to be shared by threads, and takes its time to be made
        region = _session().region_name or "us-east-1"
        return _session().client("s3", region_name=region, endpoint_url=endpoint_url, config=config)


_making = threading.Lock()


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _date(answer: Mapping[str, Any]) -> datetime:
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)
