"""`bridge status`: one screen for a stack."""

from collections.abc import Mapping
from time import sleep, time
from typing import Annotated, Any, Final

import typer

from ops.command import OpenTarget, on_stack
from ops.figures import COUNTED, Figures, NoFigures, figures
from ops.health import AccountHealth, health
from ops.output import Exit, Screen, day
from ops.queues import DEAD_LETTERS, QUARANTINES, WORK, Depth, StackQueue
from ops.target import Target
from whatsapp_bridge import __version__

_EVERY_SECONDS: Final = 15
_NOTHING: Final = "-"


def add_to(app: typer.Typer) -> None:
    app.command()(status)


@on_stack
def status(
    screen: Screen,
    open_target: OpenTarget,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    every: Annotated[int, typer.Option("--every", help="Seconds between two looks.", min=5)] = _EVERY_SECONDS,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 if something waits for a person: see docs/bridge.md.")
    ] = False,
) -> None:
    """Show how a stack is: queues, dead letters, quarantine, alarms, pauses, templates, counts."""
    target = open_target()
    try:
        while True:
            told = gathered(target, time())
            if watch:
                screen.clear()
            screen.result(told)
            _show(screen, told)
            if not watch:
                break
            sleep(every)
    except KeyboardInterrupt:
        # The way to end it.
        return
    if check and told["for_a_person"]:
        raise typer.Exit(Exit.NO)


def gathered(target: Target, now: float) -> dict[str, Any]:
    """All of it, as `--json` has it. A figure that nobody has is null."""
    known = figures(target, now)
    ages = known.ages if isinstance(known, Figures) else {}
    accounts = health(target)
    told: dict[str, Any] = {
        "stack": target.name,
        "at": day(int(now)),
        "command_line": __version__,
        "queues": _depths(target, WORK, ages),
        "dead_letters": _depths(target, DEAD_LETTERS, {}),
        "quarantine": _depths(target, QUARANTINES, {}),
        "alarms": known.alarms if isinstance(known, Figures) else None,
        "accounts": [_account(each) for each in accounts],
        "counts": known.counts if isinstance(known, Figures) else None,
        "no_figures": known.reason if isinstance(known, NoFigures) else None,
    }
    return told | {"for_a_person": _for_a_person(told, accounts)}


def _depths(target: Target, queues: Mapping[str, str], ages: Mapping[str, int | None]) -> list[dict[str, Any]]:
    depths: dict[str, Depth] = {word: StackQueue(target, logical_id).depth() for word, logical_id in queues.items()}
    return [{"queue": word, **depth._asdict(), "oldest_seconds": ages.get(word)} for word, depth in depths.items()]


def _account(each: AccountHealth) -> dict[str, Any]:
    return {
        "name": each.name,
        "broken": each.broken,
        "lists_templates": each.listed_at is not None,
        "templates_listed": day(each.listed_at) if each.listed_at else None,
        "sides": [
            {
                "what": side.what,
                "state": side.state,
                "since": day(side.since) or None,
                "next_probe": day(side.probe_at) or None,
            }
            for side in each.sides
        ],
    }


def _for_a_person(told: dict[str, Any], accounts: list[AccountHealth]) -> list[str]:
    """What does not end by itself."""
    found = [f"alarm {name}" for name in told["alarms"] or ()]
    found += [f"dead letters: {row['queue']}" for row in told["dead_letters"] if _all(row)]
    found += [f"quarantine: {row['queue']}" for row in told["quarantine"] if _all(row)]
    found += [f"account {each.name}: {each.broken}" for each in accounts if each.broken]
    by_person = [each.name for each in accounts for side in each.sides if side.state == "paused by a person"]
    return found + [f"account {name}: paused by a person" for name in by_person]


def _all(row: dict[str, Any]) -> int:
    count: int = row["ready"] + row["in_flight"] + row["delayed"]
    return count


# --- for people ------------------------------------------------------------------------------------------------------


def _show(screen: Screen, told: dict[str, Any]) -> None:
    screen.line(f"{told['stack']}  {told['at']}  bridge {told['command_line']}", "bold")
    screen.line("")
    _show_queues(screen, told)
    _show_accounts(screen, told)
    _show_counts(screen, told)
    screen.line("")
    if told["for_a_person"]:
        for each in told["for_a_person"]:
            screen.line(each, "red")
    else:
        screen.line("nothing waits for a person", "green")


def _show_queues(screen: Screen, told: dict[str, Any]) -> None:
    dead = {row["queue"]: _all(row) for row in told["dead_letters"]}
    rows = [
        [
            row["queue"],
            str(row["ready"]),
            str(row["in_flight"]),
            str(row["delayed"]),
            _age(row["oldest_seconds"]),
            str(dead[row["queue"]]),
        ]
        for row in told["queues"]
    ]
    screen.table(["queue", "ready", "in flight", "delayed", "oldest", "dead letters"], rows)
    quarantined = {row["queue"]: _all(row) for row in told["quarantine"]}
    people = f", of people without a number {quarantined['people']}"
    screen.line(f"quarantine {quarantined['all']}{people}")
    if told["alarms"] is not None:
        screen.line(f"alarms: {', '.join(told['alarms']) or 'none'}", "red" if told["alarms"] else "")
    screen.line("")


def _age(seconds: int | None) -> str:
    if seconds is None:
        return _NOTHING
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _show_accounts(screen: Screen, told: dict[str, Any]) -> None:
    rows = [
        [
            account["name"],
            *(_side(side) for side in account["sides"]),
            _templates(account),
        ]
        for account in told["accounts"]
    ]
    screen.table(["account", "BSP", "CleverTap statuses", "CleverTap replies", "templates listed"], rows)
    screen.line("")


def _templates(account: dict[str, Any]) -> str:
    if account["broken"]:
        return "secret is broken"
    return str(account["templates_listed"] or "no complete list") if account["lists_templates"] else _NOTHING


def _side(side: dict[str, Any]) -> str:
    if side["next_probe"]:
        return f"{side['state']}, probe {side['next_probe']}"
    return f"{side['state']} {side['since']}" if side["since"] else str(side["state"])


def _show_counts(screen: Screen, told: dict[str, Any]) -> None:
    if told["counts"] is None:
        screen.line(f"no figures here: {told['no_figures']}")
        return
    rows = [[word, str(told["counts"][word]["hour"]), str(told["counts"][word]["day"])] for word in COUNTED]
    screen.table(["messages", "last hour", "last day"], rows)
    screen.line("statuses are reported as sent, delivered, read or failed; CloudWatch does not have each apart")
