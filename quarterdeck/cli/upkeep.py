"""Commands that look after Quarterdeck itself: collect, doctor, iam-policy."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from quarterdeck.cli.context import Json, duration, front, note, now_utc

PANEL = "Upkeep"


class PolicyFormat(StrEnum):
    JSON = "json"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


class Partition(StrEnum):
    AWS = "aws"
    CHINA = "aws-cn"
    GOV = "aws-us-gov"


def add_to(app: typer.Typer) -> None:
    for command in (plan, collect, doctor, iam_policy):
        app.command(rich_help_panel=PANEL)(command)


def plan(
    context: typer.Context,
    functions: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Suppose so many functions a target, and ask nobody."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Price what would be collected, before the first call that costs: per target, collector and API.

    Rests on the store's inventory; without one it asks AWS to list functions, which is free. Examples:

        quarterdeck plan
        quarterdeck plan --functions 300 --json
    """
    from quarterdeck import output, pricing, tables

    settings, now = front(context).settings, now_utc()
    document = pricing.plan_document(settings, pricing.basis(settings, functions, now=now), now=now)
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.PLAN, document["lines"], nothing="There is nothing to watch.")
    note(f"{document['functions']:,} functions; from {document['basis']}")
    once, monthly = output.dollars(document["backfill_usd"]), output.dollars(document["usd_per_month"])
    note(f"{monthly} a month of 30 days, and {once} once for the history. {document['verdict']}")
    for sentence in (document["note"], *document["unreachable"]):
        note(sentence)


def collect(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="One pass, then end (what this command does anyway).")
    ] = True,
    since: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="Read no further back. Default: all that is missing.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One pass of every collector over every target, with its outcome; exit code 1 if any failed.

    Examples:

        quarterdeck collect --once --since 3h
        quarterdeck collect --once --json | jq '.runs[] | select(.outcome != "ok")'
    """
    reach = duration(since, "--since") if since else None
    from quarterdeck import collecting, output, tables

    mine = front(context)
    with mine.store(create=True) as store:
        document = collecting.collect_once(mine.settings, store, now=now_utc(), reach=reach)
    if as_json:
        output.print_json(document)
    else:
        output.print_table(tables.RUNS, document["runs"], nothing="There was nothing to collect.")
    for sentence in document["unreachable"]:
        note(sentence)
    raise typer.Exit(collecting.exit_code(document))


def doctor(
    context: typer.Context,
    as_json: Json = False,
    service: Annotated[
        bool,
        typer.Option("--service", help="Only whether a service of this host lives; AWS is asked nothing."),
    ] = False,
) -> None:
    """Check the store, the services, the credentials, the clock, and every permission that collectors need.

    Exit code 1 if anything fails. Example:

        quarterdeck doctor
    """
    from quarterdeck import output
    from quarterdeck.doctor import examine, examine_service
    from quarterdeck.doctoring import print_as_made, to_document

    mine = front(context)
    now = now_utc()
    made = examine_service(mine.settings, now=now) if service else examine(mine.settings, mine.files, now=now)
    checks = list(made) if as_json else print_as_made(made)
    if as_json:
        output.print_json(to_document(checks))
    raise typer.Exit(1 if any(check.outcome == "failed" for check in checks) else 0)


def iam_policy(
    actions: Annotated[bool, typer.Option("--actions", help="Also allow what remediation changes.")] = False,
    form: Annotated[PolicyFormat, typer.Option("--format", help="How to write it.")] = PolicyFormat.JSON,
    role: Annotated[
        bool, typer.Option("--role", help="With the role to assume, for another account.")
    ] = False,
    trusted: Annotated[
        str | None,
        typer.Option(
            "--trusted-account", metavar="ID", help="Who may assume it: an account id or a role's ARN."
        ),
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What who assumes it has to say: targets.external_id.")
    ] = None,
    partition: Annotated[Partition, typer.Option(help="Which AWS.")] = Partition.AWS,
) -> None:
    """Print the least-privilege IAM policy, derived from what the collectors call.

    Examples:

        quarterdeck iam-policy > quarterdeck-policy.json
        quarterdeck iam-policy --format cloudformation --role --trusted-account 999988887777
    """
    from quarterdeck.policy_forms import Wish, policy_text

    wish = Wish(
        actions=actions, role=role, trusted=trusted, external_id=external_id, partition=partition.value
    )
    print(policy_text(form.value, wish))
