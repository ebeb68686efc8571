"""`bridge templates test`: one real message, and what the BSP answers."""

from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import uuid4

import typer
from pydantic_core import to_json

from ops.command import Yes
from ops.output import Exit, Failed, Screen
from ops.templates.commands import templates
from ops.templates.online import Language, Name, Opened, on_account
from ops.templates.registry import Books
from ops.templates.sample_message import NoSample, sample_message
from whatsapp_bridge.clevertap.reading import InvalidMessage, parse_message
from whatsapp_bridge.net.http import Answer, Body
from whatsapp_bridge.providers import registry as providers
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)
from whatsapp_bridge.templates.template import Template

_SHORTEST_SECRET = 6


class Heard:
    """Stands before the HTTP client, and keeps the last answer."""

    def __init__(self, http: Any) -> None:
        self._http = http
        self.answer: Answer | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._http, name)

    def request(self, method: str, url: str, body: Body | None = None, headers: Any = None, **more: Any) -> Answer:
        answer: Answer = self._http.request(method, url, body, headers, **more)
        self.answer = answer
        return answer

    def post_json(self, url: str, payload: Any, headers: Any = None) -> Answer:
        answer: Answer = self._http.post_json(url, payload, headers)
        self.answer = answer
        return answer


@templates.command("test")
@on_account
def send_one(
    screen: Screen,
    opened: Opened,
    name: Name,
    to: Annotated[str, typer.Option("--to", help="The number that gets it, with its country code.")],
    language: Language = None,
    media: Annotated[str | None, typer.Option("--media", help="The address of the header's file.")] = None,
    yes: Yes = False,
) -> None:
    """Send one real message with the template's samples, and show the BSP's answer.

    It goes past the bridge's queues: CleverTap is told nothing of it.
    """
    own = opened()
    found = own.named(name, language)
    if len(found) != 1:
        languages = ", ".join(template.language for template in found)
        raise Failed(Exit.USAGE, f"{name} is there in {languages}: say which with --language")
    screen.confirm(f"Send {found[0].title} to {to}? It is a real message, which may cost.", yes=yes)
    outcome, answer = sent(own, found[0], to, media)
    told = _told(outcome)
    shown = without_secrets(own, answer)
    screen.result({"outcome": told, "bsp_answered": shown})
    screen.line(f"{found[0].title}: {told}", "green" if isinstance(outcome, Accepted) else "red")
    if shown:
        screen.line(shown)
    if not isinstance(outcome, Accepted):
        raise typer.Exit(Exit.BSP if isinstance(outcome, Rejected) else Exit.LATER)


def sent(own: Books, template: Template, to: str, media: str | None) -> tuple[Outcome, Answer | None]:
    """Raises `Failed` for what never leaves."""
    account, reference = own.account, f"test|{uuid4().hex[:12]}|0|0"
    adapter = providers.outbound(account.provider_type)
    heard = Heard(own.services.http)
    http: Any = heard
    try:
        message = sample_message(template, account.waba_number, to, reference, own.now(), media)
        request = adapter.translate(parse_message(to_json(message)), reference, account)
    except (NoSample, Refused, InvalidMessage) as error:
        raise Failed(Exit.USAGE, str(error)) from None
    services = Services(http, own.services.keys, own.services.notes, own.services.files)
    client = providers.client(account.provider_type)(account, services)
    prepared = client.prepare(Outgoing(reference, request))
    if not isinstance(prepared, Outgoing):
        return prepared, heard.answer
    return client.send([prepared])[0], heard.answer


def _told(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return f"accepted as {outcome.bsp_id}" if outcome.bsp_id else "accepted"
        case Rejected():
            return f"rejected: {outcome.title}; CleverTap would get {outcome.code}"
        case Throttled():
            return "not now: the BSP asks for fewer requests"
        case NotSent():
            return f"not sent: {outcome.reason}"
        case Unknown():
            return f"nobody knows: {outcome.reason}"


def without_secrets(own: Books, answer: Answer | None) -> str:
    """The body of an answer, with nothing in it that the account's secret has."""
    if answer is None:
        return ""
    text = answer.body.decode(errors="replace")
    for secret in sorted(_texts(own.account.model_dump()), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _texts(value: Any) -> set[str]:
    """What may be secret: any text that is no address, no word of ours and not the number that the person sees."""
    match value:
        case dict():
            return set().union(*(_texts(each) for name, each in value.items() if name not in ("name", "type")))
        case list() | tuple():
            return set().union(*map(_texts, value))
        case str() if len(value) >= _SHORTEST_SECRET and not urlsplit(value).scheme:
            return {value}
    return set()
