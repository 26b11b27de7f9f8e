"""What may invoke functions beside event source mappings: resource policies, function URLs, EventBridge rules
and schedules; and the layers and capacity providers that functions use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.asking import Asking
from collectors.aws import Aws
from collectors.collector import Ask, Collector, Learned
from collectors.layers import capacity_providers, layers
from collectors.parse import Answer, function_and_qualifier, part
from collectors.sources import Sources
from core.errors import NotFoundError
from core.facts import Covered, Listed, Trigger
from core.policies import policy_triggers

PAGE = 50


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Triggers of each known function, then layers and capacity providers; what may not be read leaves the
    others, and stays as it was known."""
    yield Covered("", ask.window)
    yield from _triggers(aws, ask)
    yield from layers(aws, ask)
    yield from capacity_providers(aws, ask)


def _triggers(aws: Aws, ask: Ask) -> Iterator[Learned]:
    known = {trigger.name: trigger for trigger in ask.known.triggers}
    policies, urls = Asking(ask, "resource policies"), Asking(ask, "function URLs")
    found: dict[str, list[Trigger]] = {}
    for function in sorted(ask.known.functions, key=lambda function: function.name):
        try:
            found[function.name] = [
                *_function_urls(aws, urls, function.name, known.values()),
                *_grants(aws, policies, function.name, ask),
            ]
        except NotFoundError:
            continue  # deleted since the inventory was read; the next one says so
    sources = Sources(aws, ask)
    for name, triggers in found.items():
        yield from (sources.told(trigger, known.get(trigger.name)) for trigger in triggers)
        yield Listed("trigger", name)
    yield from (*urls.gaps, *policies.gaps, *sources.gaps())


def _function_urls(aws: Aws, asking: Asking, function: str, known: Iterable[Trigger]) -> list[Trigger]:
    """Raises NotFoundError when there is no such function any more."""

    def fetch() -> list[Trigger]:
        pages = aws.pages("lambda", "list_function_url_configs", FunctionName=function, PageSize=PAGE)
        return [parse_url(function, answer) for page in pages for answer in page["FunctionUrlConfigs"]]

    found = asking.read(function, fetch)
    if found is not None:
        return found
    return [trigger for trigger in known if trigger.function == function and _is_url(trigger)]


def _grants(aws: Aws, asking: Asking, function: str, ask: Ask) -> Iterator[Trigger]:
    """Triggers of the function's own policy and of its aliases'."""
    aliases = sorted(alias.alias for alias in ask.known.aliases if alias.function == function)
    for qualifier in (None, *aliases):
        found = asking.read(function, lambda: _fetch_grants(aws, function, qualifier))  # noqa: B023 - called at once
        if found is None:
            mine = (t for t in ask.known.triggers if (t.function, t.qualifier) == (function, qualifier))
            found = [trigger for trigger in mine if not _is_url(trigger)]
        yield from found


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


def _is_url(trigger: Trigger) -> bool:
    return trigger.kind == "function-url" and trigger.principal is None


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
