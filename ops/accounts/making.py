"""`bridge account new`: asks for what only the person knows, makes up the rest, stores it, says what to paste where."""

from secrets import token_hex
from typing import Annotated, Any, Final, NamedTuple

import typer

from ops.accounts.check import problems_of
from ops.accounts.commands import Name, account
from ops.accounts.positions import Place
from ops.accounts.secrets import Secrets, checked_name
from ops.command import OpenTarget, on_stack
from ops.output import Exit, Failed, Screen
from ops.target import Target
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.json_text import trimmed
from whatsapp_bridge.runtime.validation import Problem


class Question(NamedTuple):
    """`hidden`: what is typed is not shown. `optional`: an empty answer leaves the field out."""

    place: Place
    words: str
    hidden: bool = False
    optional: bool = False


COMMON: Final = (
    Question(("waba_number",), "The WhatsApp number, with its country code"),
    Question(("clevertap", "status_url"), "CleverTap's form: delivery report callback URL"),
    Question(("clevertap", "incoming_url"), "CleverTap's form: inbound message callback URL"),
)
QUESTIONS: Final = {
    "clickatell": (Question(("provider", "api_key"), "Clickatell: the integration's API key", hidden=True),),
    "clickatell_legacy": (Question(("provider", "api_key"), "Clickatell: the API key", hidden=True),),
    "gupshup": (
        Question(("provider", "hsm", "user_id"), "Gupshup: user id of the HSM account, for templates"),
        Question(("provider", "hsm", "password"), "Gupshup: its password", hidden=True),
        Question(("provider", "two_way", "user_id"), "Gupshup: user id of the two-way account, for chats"),
        Question(("provider", "two_way", "password"), "Gupshup: its password", hidden=True),
    ),
    "message_central": (
        Question(("provider", "customer_id"), "Message Central: the customer id"),
        Question(("provider", "password"), "Message Central: its password", hidden=True),
        Question(("provider", "country"), "Message Central: country calling code (empty: none)", optional=True),
        Question(("provider", "email"), "Message Central: e-mail address (empty: none)", optional=True),
    ),
    "meta": (
        Question(("provider", "phone_number_id"), "Meta: the phone number id"),
        Question(("provider", "waba_id"), "Meta: the id of the WhatsApp business account"),
        Question(("provider", "access_token"), "Meta: the system user's access token", hidden=True),
        Question(("provider", "app_secret"), "Meta: the app secret", hidden=True),
        Question(("provider", "api_version"), "Meta: the version of the Graph API, like v23.0"),
    ),
}
MADE_UP: Final = {"meta": (("provider", "verify_token"),)}
"""What the BSP must be told, and not the other way round."""


@account.command()
@on_stack
def new(
    screen: Screen,
    open_target: OpenTarget,
    name: Name,
    provider: Annotated[
        str | None, typer.Option("--provider", help="The BSP: " + ", ".join(sorted(registry.PROVIDERS)))
    ] = None,
    kms_key: Annotated[
        str | None, typer.Option("--kms-key", help="Your own key for the secret: the stack's AccountSecretsKeyArn.")
    ] = None,
) -> None:
    """Ask for the few values of a new account, store it, and say what to paste where.

    Password and token are made up. Have CleverTap's form for a new provider open, and the BSP's portal.
    """
    target = open_target()
    secrets = Secrets(target)
    if secrets.find(checked_name(name)) is not None:
        raise Failed(Exit.NO, f"{target.name} has {name} already: `bridge account put` changes it")
    try:
        kind = provider or _chosen_provider(screen)
        if kind not in QUESTIONS:
            raise Failed(Exit.USAGE, f"--provider must be one of {', '.join(sorted(QUESTIONS))}")
        value = _filled(screen, kind, _begun(name, kind))
    except typer.Abort:
        raise Failed(Exit.USAGE, "the answers ended; nothing was stored") from None
    secrets.put(name, value, None, kms_key)
    paste = to_paste(target, name, value)
    screen.result({"account": name, "paste": as_told(paste)})
    screen.line(f"{name} is stored. Now paste:", "green")
    screen.values(paste)
    screen.line(f"Then: `bridge account check {name} --online {target.option}`, and save a template in CleverTap.")


def _chosen_provider(screen: Screen) -> str:
    kinds = sorted(QUESTIONS)
    for number, kind in enumerate(kinds, 1):
        screen.aside(f"  {number}  {_title(kind)}")
    answer = _ask("Which BSP", hidden=False, optional=False)
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(kinds):
        return kinds[int(answer) - 1]
    return answer


def _title(kind: str) -> str:
    return registry.outbound(kind).CAPABILITIES.title


def _begun(name: str, kind: str) -> dict[str, Any]:
    """With all that is made up."""
    value: dict[str, Any] = {
        "waba_number": "",
        "clevertap": {
            "authorization": [{"type": "basic", "username": name, "password": token_hex(32)}],
            "status_url": "",
            "incoming_url": "",
        },
        "callback_token": token_hex(32),
        "provider": {"type": kind},
    }
    for place in MADE_UP.get(kind, ()):
        _put(value, place, token_hex(32))
    return value


def _filled(screen: Screen, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """With the person's answers; those that are wrong are asked for again."""
    questions: tuple[Question, ...] = (*COMMON, *QUESTIONS[kind])
    asked = questions
    while asked:
        for question in asked:
            answer = _ask(question.words, hidden=question.hidden, optional=question.optional)
            if answer or not question.optional:
                _put(value, question.place, answer)
        wrong = problems_of(value)
        asked = tuple(question for question in questions if any(_is_of(problem, question) for problem in wrong))
        for problem in wrong:
            screen.aside(f"{'.'.join(map(str, problem.place))} {problem.reason}", "red")
        if wrong and not asked:
            raise Failed(Exit.USAGE, "the account cannot be made by questions: write its file and `put` it")
    return value


def _is_of(problem: Problem, question: Question) -> bool:
    return problem.place[: len(question.place)] == question.place


def _ask(words: str, *, hidden: bool, optional: bool) -> str:
    answer = typer.prompt(words, hide_input=hidden, err=True, default="" if optional else None, show_default=False)
    return trimmed(str(answer))


def _put(value: dict[str, Any], place: Place, answer: str) -> None:
    *path, last = map(str, place)
    for step in path:
        value = value.setdefault(step, {})
    value[last] = answer


def to_paste(target: Target, name: str, value: dict[str, Any]) -> list[list[str]]:
    """Where, field, value: step 4 of the README."""
    login, token = value["clevertap"]["authorization"][0], tokens(value)[0]
    kind = value["provider"]["type"]
    rows = [
        ["CleverTap", "Mobile number", str(value["waba_number"]).removeprefix("+")],
        ["", "HTTP endpoint", f"{target.url}/{name}/send"],
        *([["", field, told] for field, told in of_clevertap(login)]),
        ["", "Template import, if the form has it", f"{target.url}/{name}/templates"],
        *callback_rows(target, name, kind, token),
    ]
    if kind == "meta":
        rows.append(["", "verify token", value["provider"]["verify_token"]])
    return rows


def of_clevertap(login: dict[str, str]) -> list[tuple[str, str]]:
    """Fields of CleverTap's form and what belongs there."""
    if login["type"] == "header":
        return [("Authentication", "Header"), ("Header", login["name"]), ("Value", login["value"])]
    return [("Authentication", "Basic"), ("User name", login["username"]), ("Password", login["password"])]


def callback_rows(target: Target, name: str, kind: str, token: str) -> list[list[str]]:
    base = f"{target.url}/{name}"
    return [
        [_title(kind), "callback URL for replies", f"{base}/incoming/{token}"],
        ["", "callback URL for message statuses", f"{base}/status/{token}"],
    ]


def as_told(rows: list[list[str]]) -> list[dict[str, str]]:
    """What to paste, for `--json`."""
    return [dict(zip(("where", "field", "value"), row, strict=True)) for row in rows]


def tokens(value: dict[str, Any]) -> list[str]:
    """The callback tokens, the first one first."""
    given = value["callback_token"]
    return [given] if isinstance(given, str) else list(given)
