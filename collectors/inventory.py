"""Which functions there are: configuration, tags, event source mappings and the account's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Learned
from collectors.parse import Answer, Unreadable, each_parsed, parse_function, parse_limits, parse_mapping
from core.entities import Entity, Function
from core.errors import AwsError, CredentialsError, EndpointError
from core.facts import Covered, Gap, Inventory, Listed

# The largest pages that the APIs give.
FUNCTIONS_A_PAGE, MAPPINGS_A_PAGE, TAGS_A_PAGE = 50, 100, 100


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Functions, mappings and limits as they are now.

    Without the right to read tags, mappings or limits the functions are read all the same; tags then stay as
    they were known. An entry that cannot be read is a gap of its own: then nothing is taken for gone.
    """
    tags, gaps = _tags(aws, ask)
    yield from gaps
    pages = aws.pages("lambda", "list_functions", PageSize=FUNCTIONS_A_PAGE)
    configs = (config for page in pages for config in page["Functions"])
    parse = partial(_function, tags)
    yield from listed("function", parse, configs, ask, what="the function", key="FunctionName")
    yield Covered("", ask.window)
    yield from _guarded("mappings", partial(_mappings, ask), aws, ask)
    yield from _guarded("limits", _limits, aws, ask)


def _function(tags: Mapping[str, Mapping[str, str]], config: Answer) -> Function:
    return parse_function(config, tags.get(config["FunctionArn"], {}))


def listed(
    kind: str, parse: Callable[[Answer], Entity], entries: Iterable[Answer], ask: Ask, *, what: str, key: str
) -> Iterator[Learned]:
    """Entities of a complete listing, then that it was one; with gaps for what cannot be read, it was not."""
    is_whole = True
    for item in each_parsed(parse, entries, what=what, key=key):
        if isinstance(item, Unreadable):
            is_whole = False
            yield Gap(item.name, ask.window, item.why)
        else:
            yield item
    if is_whole:
        yield Listed(kind)


def _guarded(scope: str, read: Callable[[Aws], Iterator[Learned]], aws: Aws, ask: Ask) -> Iterator[Learned]:
    """What `read` yields, all of it or a gap."""
    try:
        found = list(read(aws))
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        yield Gap(scope, ask.window, str(error), error.permission)
    else:
        yield from found


def _mappings(ask: Ask, aws: Aws) -> Iterator[Learned]:
    pages = aws.pages("lambda", "list_event_source_mappings", PageSize=MAPPINGS_A_PAGE)
    mappings = (mapping for page in pages for mapping in page["EventSourceMappings"])
    yield from listed("mapping", parse_mapping, mappings, ask, what="the event source mapping", key="UUID")


def _limits(aws: Aws) -> Iterator[Learned]:
    yield parse_limits(aws.client("lambda").get_account_settings())


def _tags(aws: Aws, ask: Ask) -> tuple[Mapping[str, Mapping[str, str]], list[Gap]]:
    """Tags by function ARN, in one listing instead of a call per function."""
    try:
        return dict(_fetch_tags(aws)), []
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        return known_tags(ask.known), [Gap("tags", ask.window, str(error), error.permission)]


def _fetch_tags(aws: Aws) -> Iterator[tuple[str, Mapping[str, str]]]:
    pages = aws.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        ResourceTypeFilters=["lambda:function"],
        PageSize=TAGS_A_PAGE,
    )
    for page in pages:
        for resource in page["ResourceTagMappingList"]:
            yield resource["ResourceARN"], {tag["Key"]: tag["Value"] for tag in resource.get("Tags", ())}


def known_tags(known: Inventory) -> Mapping[str, Mapping[str, str]]:
    return {function.arn: function.tags for function in known.functions}


COLLECTOR = Collector(
    name="inventory",
    what="Functions with their configuration and tags, event source mappings, the account's limits.",
    every="inventory_every",
    permissions=(
        "lambda:ListFunctions",
        "lambda:ListEventSourceMappings",
        "lambda:GetAccountSettings",
        "tag:GetResources",
    ),
    collect=collect,
)
