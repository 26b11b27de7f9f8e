"""One call of an action: AWS's errors become ActionError, whoever raised them."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alerts.actions.base import Aws
from core.errors import ActionError, AwsError


class CallError(ActionError):
    """AWS refused a call. `code` is AWS's."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def call(aws: Aws, service: str, operation: str, doing: str, **params: Any) -> dict[str, Any]:
    """The answer to `operation` (`get_alias`). Raises CallError `cannot DOING: why`."""
    try:
        answer: dict[str, Any] = getattr(aws.client(service), operation)(**params)
    except ClientError as error:
        said = error.response.get("Error", {})
        why = f"{said.get('Code', '')}: {said.get('Message', '')}"
        raise CallError(f"cannot {doing}: {why}", str(said.get("Code", ""))) from error
    except AwsError as error:
        raise CallError(f"cannot {doing}: {error}", error.code) from error
    except BotoCoreError as error:
        raise CallError(f"cannot {doing}: {error}") from error
    return answer


def pages(aws: Aws, service: str, operation: str, doing: str, **params: Any) -> list[dict[str, Any]]:
    """Every page of a paginated call. Raises CallError."""
    try:
        return list(aws.client(service).get_paginator(operation).paginate(**params))
    except ClientError as error:
        raise CallError(f"cannot {doing}: {error}", error.response["Error"].get("Code", "")) from error
    except AwsError as error:
        raise CallError(f"cannot {doing}: {error}", error.code) from error
    except BotoCoreError as error:
        raise CallError(f"cannot {doing}: {error}") from error


def request_id(answer: dict[str, Any]) -> str | None:
    found = answer.get("ResponseMetadata", {}).get("RequestId")
    return None if found is None else str(found)


def arn_part(arn: str, index: int) -> str:
    """A part of an ARN: 3 is the region, 4 the account; empty when it is none."""
    parts = arn.split(":")
    return parts[index] if parts[0] == "arn" and len(parts) > index else ""
