"""What functions write into their logs themselves: lines, errors in the manner of their runtime, metrics."""

from __future__ import annotations

import json
from datetime import datetime

from quarterdeck.demo.specs import Failure, Spec

_WORDS = (
    "reserved stock for basket, wrote audit row, refreshed cache entry, sent event, read customer profile, "
)


def app_line(spec: Spec, number: int, rid: str, ts: str) -> str:
    """A line the function writes itself, always `log_line_bytes` long or a little more when its frame is."""
    frame = _app_frame(spec, rid, ts)
    text = f"step {number + 1} of {spec.log_lines}: " + _WORDS * (1 + spec.log_line_bytes // len(_WORDS))
    return frame[0] + text[: max(24, spec.log_line_bytes - len(frame[0]) - len(frame[1]))] + frame[1]


def _app_frame(spec: Spec, rid: str, ts: str) -> tuple[str, str]:
    if spec.log_format == "JSON":
        return f'{{"timestamp":"{ts}","level":"INFO","requestId":"{rid}","message":"', '"}'
    if (spec.runtime or "python").startswith("python"):
        return f"[INFO]\t{ts}\t{rid}\t", "\n"
    return f"{ts}\t{rid}\tINFO\t", "\n"


def error_line(spec: Spec, failure: Failure, rid: str, ts: str) -> str:
    """What a failure leaves in the log, in the manner of its runtime."""
    if failure.kind == "timeout":
        return f"{ts} {rid} {failure.message}\n\n"
    if failure.kind in ("oom", "killed"):
        return f"RequestId: {rid} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
    runtime = spec.runtime or "python"
    if spec.log_format == "JSON":
        return json.dumps(
            {
                "timestamp": ts, "level": "ERROR", "requestId": rid, "errorType": failure.type,
                "errorMessage": failure.message, "message": f"{failure.type}: {failure.message}",
            }
        )  # fmt: skip
    if runtime.startswith("python"):
        return (
            f"[ERROR] {failure.type}: {failure.message}\nTraceback (most recent call last):\n"
            f'  File "/var/task/app.py", line 58, in handler\n    return handle(event)\n'
            f'  File "/var/task/app.py", line 91, in handle\n    raise {failure.type}(detail)\n'
        )
    if runtime.startswith("nodejs"):
        stack = [f"{failure.type}: {failure.message}", "    at handler (/var/task/index.js:41:11)"]
        body = {"errorType": failure.type, "errorMessage": failure.message, "stack": stack}
        return f"{ts}\t{rid}\tERROR\tInvoke Error \t{json.dumps(body)}\n"
    if runtime.startswith("java"):
        frame = "at example.meridian.Handler.handleRequest(Handler.java:57)"
        return f"{failure.type}: {failure.message}\n\t{frame}\n"
    return json.dumps({"errorMessage": failure.message, "errorType": failure.type}) + "\n"


def own_error(spec: Spec, failure: Failure, rid: str, ts: str) -> str:
    """What a function with a logger of its own says of an error, before the runtime does."""
    if spec.logger == "pino":
        at_ms = round(datetime.fromisoformat(ts).timestamp() * 1000)
        err = {"type": failure.type, "message": failure.message}
        said = {"level": 50, "time": at_ms, "reqId": rid, "err": err, "msg": failure.message}
        return json.dumps(said) + "\n"
    said = {"level": "error", "message": f"{failure.type}: {failure.message}", "requestId": rid}
    return json.dumps({**said, "timestamp": ts}) + "\n"


def batch_metrics(spec: Spec, items: int, rid: str, ts_ms: int) -> str:
    """A metric in CloudWatch's embedded format: one item of a batch was handed back."""
    metrics = [{"Name": "BatchItemFailures", "Unit": "Count"}, {"Name": "BatchItems", "Unit": "Count"}]
    directive = {"Namespace": "Meridian/Orders", "Dimensions": [["service"]], "Metrics": metrics}
    values = {"service": spec.name, "BatchItemFailures": 1, "BatchItems": items}
    about = {"Timestamp": ts_ms, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, **values, "function_request_id": rid}) + "\n"
