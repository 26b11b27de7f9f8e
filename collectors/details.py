"""Versions, aliases, reserved and provisioned concurrency, async settings; and retention of log groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Learned
from collectors.inventory import listed
from collectors.parse import (
    default_log_group,
    parse_alias,
    parse_invoke_config,
    parse_log_group,
    parse_provisioned,
    parse_reserved,
    parse_version,
)
from core.entities import Version
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Covered, Gap, Inventory, Listed

PAGE = 50


@dataclass(frozen=True, slots=True)
class Aspect:
    """One call per function. `published_only` spares functions without a version the call."""

    name: str
    read: Callable[[Aws, str], Iterator[Learned]]
    published_only: bool = False


def _aliases(aws: Aws, function: str) -> Iterator[Learned]:
    for page in aws.pages("lambda", "list_aliases", FunctionName=function, PageSize=PAGE):
        for answer in page["Aliases"]:
            yield parse_alias(function, answer)
    yield Listed("alias", function)


def _reserved(aws: Aws, function: str) -> Iterator[Learned]:
    yield parse_reserved(function, aws.client("lambda").get_function_concurrency(FunctionName=function))


def _provisioned(aws: Aws, function: str) -> Iterator[Learned]:
    operation = "list_provisioned_concurrency_configs"
    for page in aws.pages("lambda", operation, FunctionName=function, PageSize=PAGE):
        for answer in page["ProvisionedConcurrencyConfigs"]:
            yield parse_provisioned(function, answer)
    yield Listed("provisioned", function)


def _invoke_configs(aws: Aws, function: str) -> Iterator[Learned]:
    operation = "list_function_event_invoke_configs"
    for page in aws.pages("lambda", operation, FunctionName=function, PageSize=PAGE):
        for answer in page["FunctionEventInvokeConfigs"]:
            yield parse_invoke_config(function, answer)
    yield Listed("invoke_config", function)


ASPECTS = (
    Aspect("aliases", _aliases),
    Aspect("reserved concurrency", _reserved),
    Aspect("provisioned concurrency", _provisioned, published_only=True),
    Aspect("async settings", _invoke_configs),
)


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Each aspect of each known function; one that may not be read leaves the others."""
    functions = sorted(function.name for function in ask.known.functions)
    yield Covered("", ask.window)
    published: set[str] | None = None
    try:
        versions = list(_versions(aws, ask))
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        yield Gap("versions", ask.window, str(error), error.permission)
    else:
        yield from versions
        if not any(isinstance(item, Gap) for item in versions):
            published = {item.function for item in versions if isinstance(item, Version)}
            yield from _unprovisioned(functions, published)
    for aspect in ASPECTS:
        skip = aspect.published_only and published is not None
        yield from _each(aspect, aws, ask, [f for f in functions if not skip or f in (published or ())])
    yield from _log_groups(aws, ask)


def _unprovisioned(functions: list[str], published: set[str]) -> Iterator[Listed]:
    """Functions without a version cannot have provisioned concurrency: what they had is gone."""
    yield from (Listed("provisioned", function) for function in functions if function not in published)


def _versions(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Published versions of all functions, in one listing: far fewer calls than one per function."""
    pages = aws.pages("lambda", "list_functions", FunctionVersion="ALL", PageSize=PAGE)
    configs = (config for page in pages for config in page["Functions"])
    published = (config for config in configs if config.get("Version", "$LATEST") != "$LATEST")
    what, key = "a version of the function", "FunctionName"
    yield from listed("version", parse_version, published, ask, what=what, key=key)


def _each(aspect: Aspect, aws: Aws, ask: Ask, functions: list[str]) -> Iterator[Learned]:
    """One aspect of `functions`. If the first is denied, the role lacks the right and no other is tried."""
    may_read = False
    for function in functions:
        try:
            yield from list(aspect.read(aws, function))
            may_read = True
        except NotFoundError:
            continue  # deleted since the inventory was read; the next one says so
        except (CredentialsError, EndpointError):
            raise
        except AwsError as error:
            whole = isinstance(error, AccessDeniedError) and not may_read
            yield Gap(aspect.name if whole else function, ask.window, str(error), error.permission)
            if whole:
                return


def _log_groups(aws: Aws, ask: Ask) -> Iterator[Learned]:
    wanted = log_groups_of(ask.known)
    try:
        found = {name: group for prefix in prefixes(wanted) for name, group in _fetch_log_groups(aws, prefix)}
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        yield Gap("log groups", ask.window, str(error), error.permission)
        return
    yield from (parse_log_group(found[name]) for name in sorted(wanted & found.keys()))
    yield Listed("log_group")


def _fetch_log_groups(aws: Aws, prefix: str) -> Iterator[tuple[str, dict[str, object]]]:
    for page in aws.pages("logs", "describe_log_groups", logGroupNamePrefix=prefix, PageSize=PAGE):
        for group in page["logGroups"]:
            yield group["logGroupName"], group


def log_groups_of(known: Inventory) -> set[str]:
    return {function.log_group or default_log_group(function.name) for function in known.functions}


def prefixes(groups: set[str]) -> list[str]:
    """What to list: the common home of log groups once, and each group elsewhere."""
    home = default_log_group("")
    at_home = [home] if any(group.startswith(home) for group in groups) else []
    return at_home + sorted(group for group in groups if not group.startswith(home))


COLLECTOR = Collector(
    name="details",
    what="Versions, aliases, reserved and provisioned concurrency, async settings, retention of log groups.",
    every="details_every",
    permissions=(
        "lambda:ListFunctions",
        "lambda:ListAliases",
        "lambda:GetFunctionConcurrency",
        "lambda:ListProvisionedConcurrencyConfigs",
        "lambda:ListFunctionEventInvokeConfigs",
        "logs:DescribeLogGroups",
    ),
    collect=collect,
)
