"""What may invoke functions beside event source mappings: resource policies, function URLs, EventBridge rules
and schedules; and the layers and capacity providers that functions use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collectors.asking import Asking
from collectors.aws import Aws
from collectors.collector import Ask, Collector, Learned
from collectors.layers import capacity_providers, layers
from collectors.parse import Answer, function_and_qualifier, part
from collectors.sources import Sources
from core.entities import URLS, Trigger
from core.errors import NotFoundError
from core.facts import Covered, Listed
from core.policies import policy_triggers

PAGE = 50

Parts = Mapping[str, Sequence[Trigger] | None]
"""The triggers of one function by where they are told (`Trigger.part`); None where that could not be read."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Triggers of each known function, then layers and capacity providers; what may not be read leaves the
    others, and stays as it was known."""
    yield Covered("", ask.window)
    yield from _triggers(aws, ask)
    yield from layers(aws, ask)
    yield from capacity_providers(aws, ask)


def _triggers(aws: Aws, ask: Ask) -> Iterator[Learned]:
    policies, urls = Asking(ask, "resource policies"), Asking(ask, "function URLs")
    found: dict[str, Parts] = {}
    for function in sorted(ask.known.functions, key=lambda function: function.name):
        try:
            parts: Parts = {
                URLS: urls.read(function.name, lambda: _fetch_urls(aws, function.name)),  # noqa: B023 - called at once
                **_grants(aws, policies, function.name, ask),
            }
        except NotFoundError:
            continue  # deleted since the inventory was read; the next one says so
        found[function.name] = parts
    sources = Sources(aws, ask)
    for name, parts in found.items():
        yield from _listed(name, parts, ask, sources)
    yield from (*urls.gaps, *policies.gaps, *sources.gaps())


def _listed(function: str, parts: Parts, ask: Ask, sources: Sources) -> Iterator[Learned]:
    """Triggers of one function. An unread part keeps what it had; an alias that is gone has none."""
    known = {trigger.name: trigger for trigger in ask.known.triggers if trigger.function == function}
    for where, triggers in parts.items():
        kept = [trigger for trigger in known.values() if trigger.part == where]
        told = kept if triggers is None else triggers
        yield from (sources.told(trigger, known.get(trigger.name)) for trigger in told)
        if triggers is not None:
            yield Listed("trigger", function, where)
    gone = {trigger.part for trigger in known.values()} - parts.keys()
    yield from (Listed("trigger", function, where) for where in sorted(gone))


def _fetch_urls(aws: Aws, function: str) -> list[Trigger]:
    """Raises NotFoundError when there is no such function any more."""
    pages = aws.pages("lambda", "list_function_url_configs", FunctionName=function, PageSize=PAGE)
    return [parse_url(function, answer) for page in pages for answer in page["FunctionUrlConfigs"]]


def _grants(aws: Aws, asking: Asking, function: str, ask: Ask) -> Parts:
    """Triggers of the function's own policy and of its aliases'."""
    aliases = sorted(alias.alias for alias in ask.known.aliases if alias.function == function)
    return {
        qualifier or "": asking.read(function, lambda: _fetch_grants(aws, function, qualifier))  # noqa: B023 - called at once
        for qualifier in (None, *aliases)
    }


def _fetch_grants(aws: Aws, function: str, qualifier: str | None) -> list[Trigger]:
    named = {"Qualifier": qualifier} if qualifier else {}
    try:
        answer = aws.client("lambda").get_policy(FunctionName=function, **named)
    except NotFoundError:
        return []  # it has no policy: nobody else may invoke it
    policy = answer.get("Policy") or ""
    return policy_triggers(policy, function=function, qualifier=qualifier, account=aws.target.account)


def parse_url(function: str, answer: Answer) -> Trigger:
    """An entry of ListFunctionUrlConfigs. Its address is not kept."""
    qualifier = function_and_qualifier(answer.get("FunctionArn", ""))[1]
    auth_type = part(answer, "AuthType")
    return Trigger(
        name=f"{function}:{qualifier or ''}:url",
        function=function,
        qualifier=qualifier,
        kind="function-url",
        is_public=auth_type == "NONE",
        auth_type=auth_type,
        invoke_mode=part(answer, "InvokeMode"),
    )


COLLECTOR = Collector(
    name="triggers",
    what="What may invoke functions (resource policies, URLs, rules and schedules); layers and their age;"
    " capacity providers.",
    every="triggers_every",
    permissions=(
        "lambda:GetPolicy",
        "lambda:ListFunctionUrlConfigs",
        "events:DescribeRule",
        "events:ListTargetsByRule",
        "scheduler:GetSchedule",
        "lambda:ListLayerVersions",
        "lambda:ListCapacityProviders",
    ),
    collect=collect,
)
