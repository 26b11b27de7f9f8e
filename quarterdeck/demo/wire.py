"""From HTTP to a call and back, in AWS's wire protocols, as botocore's service models describe them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from botocore.utils import parse_to_aware_datetime
from moto.core.parse import UNDEFINED, EC2QueryParser, JSONParser, QueryParser, RestJSONParser
from moto.core.serialize import EC2Serializer, QuerySerializer
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from quarterdeck.demo import cbor

SERVICES = {
    "lambda": "lambda",
    "monitoring": "cloudwatch",
    "logs": "logs",
    "sqs": "sqs",
    "xray": "xray",
    "sts": "sts",
    "tagging": "resourcegroupstaggingapi",
    "cloudtrail": "cloudtrail",
    "events": "events",
    "scheduler": "scheduler",
    "iam": "iam",
    "ec2": "ec2",
    "account": "account",
    "pricing": "pricing",
    "ce": "ce",
    "compute-optimizer": "compute-optimizer",
    "sns": "sns",
    "states": "stepfunctions",
}
"""Signing names that the demo answers itself, and botocore's names for them."""

_REQUEST = "00000000-0000-4000-8000-000000000000"
_CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


class ApiError(Exception):
    """An error that AWS documents; `fields` are further members of its shape."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, query_code: str = "", **fields: Any
    ) -> None:
        """`query_code` is the older name of the code, where a service kept it."""
        super().__init__(message)
        self.code, self.message, self.status, self.fields = code, message, status, fields
        self.query_code = query_code or code


@dataclass(frozen=True, slots=True)
class Call:
    """One API call as it came in. `access_key` is that of the signature."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    params: dict[str, Any] = field(default_factory=dict)


def credential(request: Request) -> tuple[str, str, str] | None:
    """Access key, region and signing name of a signed request."""
    found = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    return (found[1], found[2], found[3]) if found else None


def read_call(request: Request) -> Call | None:
    """The call in an HTTP request; None when it is for a service that we do not answer. Raises ApiError."""
    signed = credential(request)
    if signed is None or signed[2] not in SERVICES:
        return None
    key, region, service = signed[0], signed[1], SERVICES[signed[2]]
    protocol, operation, url_params = _operation(service, request)
    params = _params(service, operation, protocol, request, url_params)
    return Call(service, operation, region, key, protocol, params)


@lru_cache(maxsize=32)
def model(service: str) -> Any:
    return get_service_model(service)


def _operation(service: str, request: Request) -> tuple[str, str, dict[str, str]]:
    rpc = re.fullmatch(r"/service/[^/]+/operation/(\w+)", request.path)
    if rpc:
        return "cbor", rpc[1], {}
    if target := request.headers.get("X-Amz-Target"):
        return "json", target.rsplit(".", 1)[-1], {}
    if action := request.values.get("Action"):
        return "ec2" if service == "ec2" else "query", action, {}
    for route in _routes(service):
        found = route.path.fullmatch(request.path) if route.method == request.method else None
        if found and route.query <= set(request.args.items()):
            return "rest-json", route.operation, found.groupdict()
    raise ApiError(
        "UnknownOperationException", f"{service} has no {request.method} {request.path}", status=404
    )


@dataclass(frozen=True, slots=True)
class _Route:
    """How a REST operation is called; `query` are the parts of the query that tell it from others."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    fixed: int


@lru_cache(maxsize=32)
def _routes(service: str) -> list[_Route]:
    """The routes of a REST service; the most specific first."""
    found = [
        _route(name, model(service).operation_model(name).http) for name in model(service).operation_names
    ]
    return sorted(found, key=lambda route: (-route.fixed, -len(route.query)))


def _route(name: str, http: dict[str, Any]) -> _Route:
    path, _, query = http["requestUri"].partition("?")
    pattern = re.sub(r"\\{(\w+)(?:\\\+)?\\}", r"(?P<\1>[^/]+)", re.escape(path.rstrip("/")))
    return _Route(
        name,
        http["method"],
        re.compile(pattern + "/?"),
        frozenset(parse_qsl(query)),
        len(re.sub(r"{.*?}", "", path)),
    )


def _params(
    service: str, operation: str, protocol: str, request: Request, url_params: dict[str, str]
) -> dict[str, Any]:
    if operation not in model(service).operation_names:
        raise ApiError("UnknownOperationException", f"{service} has no operation {operation}", status=404)
    if protocol == "cbor":
        return dict(cbor.loads(request.get_data()))
    values = MultiDict(request.values) if protocol in ("query", "ec2") else request.args
    found = _PARSERS[protocol](
        model(service).operation_model(operation), timestamp_parser=parse_to_aware_datetime
    ).parse(
        {
            "body": request.get_data(),
            "headers": request.headers,
            "method": request.method,
            "url_params": url_params,
            "url_path": request.path,
            "values": values,
        }
    )
    return {name: value for name, value in found.items() if value is not None and value is not UNDEFINED}


_PARSERS = {"json": JSONParser, "query": QueryParser, "ec2": EC2QueryParser, "rest-json": RestJSONParser}


# --- answers -----------------------------------------------------------------------------------------------


def write_answer(call: Call, answer: dict[str, Any]) -> Response:
    """The HTTP response that carries `answer`, whose keys are the members of the operation's output shape."""
    if call.protocol == "cbor":
        return _response(cbor.dumps(answer), "application/cbor", smithy=True)
    if call.protocol in ("query", "ec2"):
        return _query(call, answer)
    operation = model(call.service).operation_model(call.operation)
    status = operation.http.get("responseCode", 200)
    if call.operation == "Invoke":
        return _invoked(answer)
    body = "" if status == 204 else json.dumps(answer, default=_plain)
    return _response(body, _content_type(call), status=status)


def write_fault(call: Call | None, fault: ApiError) -> Response:
    """The HTTP response that carries an error."""
    headers = {"x-amzn-ErrorType": fault.code}
    if call and "awsQueryCompatible" in model(call.service).metadata:
        headers["x-amzn-query-error"] = f"{fault.query_code};Sender"
    if call and call.protocol == "query":
        text = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{fault.code}</Code><Message>{_escape(fault.message)}</Message></Error>"
            f"<RequestId>{_REQUEST}</RequestId></ErrorResponse>"
        )
        return _response(text, "text/xml", status=fault.status)
    if call and call.protocol == "ec2":
        said = f"<Code>{fault.code}</Code><Message>{_escape(fault.message)}</Message>"
        text = f"<Response><Errors><Error>{said}</Error></Errors><RequestID>{_REQUEST}</RequestID></Response>"
        return _response(text, "text/xml", status=fault.status)
    body = {"__type": fault.code, "message": fault.message, **fault.fields}
    if call and call.protocol == "cbor":
        response = _response(cbor.dumps(body), "application/cbor", status=fault.status, smithy=True)
    else:
        kind = _content_type(call) if call else "application/json"
        response = _response(json.dumps({**body, "Message": fault.message}), kind, status=fault.status)
    response.headers.update(headers)
    return response


def _response(body: str | bytes, kind: str, *, status: int = 200, smithy: bool = False) -> Response:
    response = Response(body, status=status, content_type=kind)
    response.headers["x-amzn-RequestId"] = _REQUEST
    if smithy:
        response.headers["smithy-protocol"] = "rpc-v2-cbor"
    return response


def _content_type(call: Call) -> str:
    version = model(call.service).metadata.get("jsonVersion", "1.0")
    return "application/json" if call.protocol == "rest-json" else f"application/x-amz-json-{version}"


def _query(call: Call, answer: dict[str, Any]) -> Response:
    serializer = EC2Serializer if call.protocol == "ec2" else QuerySerializer
    made = serializer(model(call.service).operation_model(call.operation)).serialize(_lists(answer))
    return _response(made["body"], "text/xml")


def _invoked(answer: dict[str, Any]) -> Response:
    response = _response(answer.get("Payload", b""), "application/json", status=answer["StatusCode"])
    for name, header in (
        ("FunctionError", "X-Amz-Function-Error"),
        ("ExecutedVersion", "X-Amz-Executed-Version"),
    ):
        if name in answer:
            response.headers[header] = answer[name]
    return response


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, np.ndarray):
        return (
            value.astype("datetime64[s]").astype(np.int64).tolist()
            if value.dtype.kind == "M"
            else value.tolist()
        )
    raise TypeError(f"cannot write {type(value)} as JSON")


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lists(item) for item in value]
    return _plain(value) if isinstance(value, np.ndarray) else value


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
