"""Statements that show the telemetry files to other engines: an external table per kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from store.telemetry import FILED_HUNDREDTHS, SCHEMAS, filed

ENGINES = ("athena", "trino", "spark", "duckdb")
PARTITIONS = ("account", "region", "date")
"""Columns that are in the files' paths, below `kind=`."""

_TYPES: Mapping[str, Mapping[pa.DataType, str]] = MappingProxyType(
    {
        "athena": {
            pa.string(): "string",
            pa.float64(): "double",
            FILED_HUNDREDTHS: "decimal(18,2)",
            pa.int32(): "int",
            pa.bool_(): "boolean",
            pa.timestamp("ms", tz="UTC"): "timestamp",
            pa.list_(pa.string()): "array<string>",
        },
        "trino": {
            pa.string(): "varchar",
            pa.float64(): "double",
            FILED_HUNDREDTHS: "decimal(18,2)",
            pa.int32(): "integer",
            pa.bool_(): "boolean",
            pa.timestamp("ms", tz="UTC"): "timestamp(3)",
            pa.list_(pa.string()): "array(varchar)",
        },
    }
)


def statements(engine: str, location: str) -> list[str]:
    """The statements for one of ENGINES; `location` is the telemetry folder or `s3://` prefix."""
    return [_statement(engine, kind, f"{location.rstrip('/')}/kind={kind}") for kind in SCHEMAS]


def _statement(engine: str, kind: str, location: str) -> str:
    writers = {"athena": _athena, "trino": _trino, "spark": _spark, "duckdb": _duckdb}
    return writers[engine](kind, location.replace("'", "''"))


def columns(kind: str) -> list[tuple[str, pa.DataType]]:
    """The columns that are in the files themselves."""
    return [(f.name, f.type) for f in filed(kind)]


def _listed(kind: str, types: Mapping[pa.DataType, str], quote: str) -> str:
    return ",\n".join(f"  {quote}{name}{quote} {types[type_]}" for name, type_ in columns(kind))


def _athena(kind: str, location: str) -> str:
    return (
        f"CREATE EXTERNAL TABLE quarterdeck_{kind} (\n{_listed(kind, _TYPES['athena'], '`')}\n)\n"
        "PARTITIONED BY (`account` string, `region` string, `date` string)\n"
        f"STORED AS PARQUET\nLOCATION '{location}/';\n"
        f"MSCK REPAIR TABLE quarterdeck_{kind};"
    )


def _trino(kind: str, location: str) -> str:
    partitions = ",\n".join(f'  "{name}" varchar' for name in PARTITIONS)
    listed = ", ".join(f"'{name}'" for name in PARTITIONS)
    return (
        f"CREATE TABLE quarterdeck_{kind} (\n{_listed(kind, _TYPES['trino'], chr(34))},\n{partitions}\n)\n"
        f"WITH (format = 'PARQUET', external_location = '{location}/', partitioned_by = ARRAY[{listed}]);\n"
        f"CALL system.sync_partition_metadata(CURRENT_SCHEMA, 'quarterdeck_{kind}', 'ADD');"
    )


def _spark(kind: str, location: str) -> str:
    partitions = ",\n".join(f"  `{name}` string" for name in PARTITIONS)
    return (
        f"CREATE TABLE quarterdeck_{kind} (\n{_listed(kind, _TYPES['athena'], '`')},\n{partitions}\n)\n"
        f"USING PARQUET\nPARTITIONED BY (`account`, `region`, `date`)\nLOCATION '{location}/';\n"
        f"MSCK REPAIR TABLE quarterdeck_{kind};"
    )


def _duckdb(kind: str, location: str) -> str:
    types = "{'kind': VARCHAR, 'account': VARCHAR, 'region': VARCHAR, 'date': VARCHAR}"
    return (
        f"CREATE VIEW quarterdeck_{kind} AS SELECT * EXCLUDE (kind) FROM"
        f" read_parquet('{location}/**/*.parquet', hive_partitioning = true,"
        f" hive_types = {types}, union_by_name = true);"
    )
