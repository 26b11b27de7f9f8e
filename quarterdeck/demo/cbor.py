"""CBOR as AWS's smithy-rpc-v2-cbor protocol uses it; arrays of numbers and times without a loop."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from typing import Any

import numpy as np
from botocore.parsers import create_parser

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = range(6)
_EPOCH_TAG, _FALSE, _TRUE, _NULL, _DOUBLE = b"\xc1", b"\xf4", b"\xf5", b"\xf6", b"\xfb"

_TIMES = np.dtype([("head", "S2"), ("value", ">u4")])
_DOUBLES = np.dtype([("head", "S1"), ("value", ">f8")])


def loads(body: bytes) -> Any:
    """The value in `body`; times are aware datetimes. botocore's own reader does the work."""
    if not body:
        return {}
    reader: Any = create_parser("smithy-rpc-v2-cbor")
    return reader.parse_data_item(reader.get_peekable_stream_from_bytes(body))


def dumps(value: Any) -> bytes:
    """`value` as CBOR. A numpy array of datetime64 is a list of times, of floats a list of doubles."""
    out = io.BytesIO()
    _write(out, value)
    return out.getvalue()


def _write(out: io.BytesIO, value: Any) -> None:
    if isinstance(value, np.ndarray):
        _write_array(out, value)
    elif isinstance(value, dict):
        known = {key: item for key, item in value.items() if item is not None}
        out.write(_head(_MAP, len(known)))
        for key, item in known.items():
            _write(out, key)
            _write(out, item)
    elif isinstance(value, (list, tuple)):
        out.write(_head(_LIST, len(value)))
        for item in value:
            _write(out, item)
    else:
        out.write(_scalar(value))


def _scalar(value: Any) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, float):
        return _DOUBLE + struct.pack(">d", value)
    if isinstance(value, datetime):
        return _EPOCH_TAG + _DOUBLE + struct.pack(">d", value.timestamp())
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    text = str(value).encode()
    return _head(_TEXT, len(text)) + text


def _write_array(out: io.BytesIO, array: np.ndarray[Any, np.dtype[Any]]) -> None:
    out.write(_head(_LIST, len(array)))
    if array.dtype.kind == "M":
        times = np.empty(len(array), dtype=_TIMES)
        times["head"], times["value"] = b"\xc1\x1a", array.astype("datetime64[s]").astype(np.int64)
        out.write(times.tobytes())
    else:
        doubles = np.empty(len(array), dtype=_DOUBLES)
        doubles["head"], doubles["value"] = _DOUBLE, array
        out.write(doubles.tobytes())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size, layout in ((24, 1, ">B"), (25, 2, ">H"), (26, 4, ">I"), (27, 8, ">Q")):
        if number < 1 << (8 * size):
            return bytes([major << 5 | extra]) + struct.pack(layout, number)
    raise OverflowError(number)
