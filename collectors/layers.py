"""What functions are made of beside their code: layers and their age, capacity providers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from collectors.asking import UNKNOWN_HERE, Asking
from collectors.aws import Aws
from collectors.collector import Ask, Expected, Learned
from collectors.inventory import listed
from collectors.parse import Answer, parse_time, part, texts
from core.entities import CapacityProvider, Function, Layer, Version
from core.errors import AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Gap, Listed
from core.triggers import arn_part

PAGE = 50


def layers(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Every layer version that a function or published version uses.

    Layers of other accounts are named only: AWS lets nobody list the versions of somebody else's.
    """
    known, asking = {layer.name: layer for layer in ask.known.layers}, Asking(ask, "layers")
    for layer, used in sorted(layers_of(ask).items()):
        versions: Mapping[int, Answer] | None = None
        if arn_part(layer, 4) == aws.target.account:
            try:
                versions = asking.read(f"layer {layer}", lambda: _fetch_layer(aws, layer))  # noqa: B023
            except NotFoundError:
                versions = {}  # deleted: functions keep the copy they have
        for version in sorted(used):
            name = f"{layer}:{version}"
            named = Layer(name=name, layer=layer, version=version)
            yield known.get(name, named) if versions is None else parse_layer(named, versions)
    yield Listed("layer")
    yield from asking.gaps


def layers_of(ask: Ask) -> Mapping[str, set[int]]:
    """Used versions by the ARN of the layer."""
    found: dict[str, set[int]] = defaultdict(set)
    holders: tuple[Function | Version, ...] = (*ask.known.functions, *ask.known.versions)
    for holder in holders:
        for arn in holder.layers:
            layer, _, version = arn.rpartition(":")
            if version.isdecimal() and arn_part(layer, 2) == "lambda":
                found[layer].add(int(version))
    return found


def _fetch_layer(aws: Aws, layer: str) -> Mapping[int, Answer]:
    """Answers by version. GetLayerVersion is never called: it hands out an address of the code."""
    pages = aws.pages("lambda", "list_layer_versions", LayerName=layer, PageSize=PAGE)
    return {int(answer["Version"]): answer for page in pages for answer in page["LayerVersions"]}


def parse_layer(named: Layer, versions: Mapping[int, Answer]) -> Layer:
    """The layer version with its age; without, when it was deleted."""
    latest = max(versions, default=None)
    return replace(
        named,
        created=parse_time(versions.get(named.version, {}).get("CreatedDate")),
        latest=latest,
        latest_created=parse_time(versions[latest].get("CreatedDate")) if latest is not None else None,
    )


def capacity_providers(aws: Aws, ask: Ask) -> Iterator[Learned]:
    try:
        pages = aws.pages("lambda", "list_capacity_providers", PageSize=PAGE)
        answers = [answer for page in pages for answer in page["CapacityProviders"]]
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        gap = Gap("capacity providers", ask.window, str(error), error.permission)
        yield Expected(gap) if error.code in UNKNOWN_HERE else gap
        return
    what, key = "the capacity provider", "CapacityProviderArn"
    yield from listed("capacity_provider", parse_capacity_provider, answers, ask, what=what, key=key)


def parse_capacity_provider(answer: Answer) -> CapacityProvider:
    """An entry of ListCapacityProviders, without its key."""
    arn = answer["CapacityProviderArn"]
    return CapacityProvider(
        name=arn.rpartition(":")[2],
        arn=arn,
        state=part(answer, "State"),
        architectures=texts(part(answer, "InstanceRequirements", "Architectures")),
        instance_types=texts(part(answer, "InstanceRequirements", "AllowedInstanceTypes")),
        max_vcpus=part(answer, "CapacityProviderScalingConfig", "MaxVCpuCount"),
    )
