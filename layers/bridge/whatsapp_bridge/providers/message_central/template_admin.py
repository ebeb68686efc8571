"""Makes templates at Message Central.

Source: section "Create Template" of Message Central's "WhatsApp Now API Documentation".
Its form has less than Meta's: a header is mandatory, samples are split at blanks, and there is no field for the rest.
Its tables contradict each other about URL buttons: static ones are sent as its whole sample request has them (`value`),
those with a variable as the table of cases has them (`url`, `example`).
"""

from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.values import digits, identifier, text
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import Rejected
from whatsapp_bridge.providers.contract.template_admin import Made, NotDone, SampleFile
from whatsapp_bridge.providers.message_central import answers, codes
from whatsapp_bridge.providers.message_central.tokens import NoToken, Tokens
from whatsapp_bridge.templates.shapes import VARIABLE, variables
from whatsapp_bridge.templates.template import NAMED

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account

_PATH: Final = "/verification/v3/template"
_TAKEN: Final = 200
_MEDIA: Final = ("IMAGE", "VIDEO", "DOCUMENT")

# A form's fields: texts, and a file with its name and type.
type _Form = dict[str, Any]


class _Stopped(Exception):
    def __init__(self, outcome: NotDone) -> None:
        super().__init__(outcome.why)
        self.outcome = outcome


class Admin:
    def __init__(self, account: "Account", services: Services, now: Callable[[], float] = time) -> None:
        self._account, self._http = account, services.http
        self._tokens = Tokens(account, services, now)

    @staticmethod
    def refusals(draft: Json) -> list[str]:
        return refusals(draft)

    def create(self, draft: Json, files: Mapping[str, SampleFile]) -> Made | NotDone:
        unfit = refusals(draft)
        if unfit:
            return NotDone("refused", "; ".join(unfit))
        try:
            answer = self._call("POST", {"phoneNumber": self._account.waba_number, **form_of(draft, files)})
        except _Stopped as stopped:
            return stopped.outcome
        code, words = answers.said(answer)
        if code != _TAKEN:
            return _not_done(answer, code, words)
        made = _inner(answer.json())
        name = text(made.get("name"))
        if not name or identifier(made.get("id")) is None:
            return NotDone("lost", "Message Central's answer names no template")
        status, category = text(made.get("status")).upper(), text(made.get("category")).upper()
        return Made(identifier(made.get("id")), name, status or "PENDING", category or draft["category"])

    def _call(self, method: str, fields: _Form) -> Answer:
        """The answer. If the token is refused, nothing was done, and the call is made again with another one. Raises
        `_Stopped`."""
        from urllib3.filepost import encode_multipart_formdata

        body, content_type = encode_multipart_formdata(fields)
        url = f"{self._account.provider.base_url}{_PATH}"
        try:
            token = self._tokens.get()
            answer = self._http.request(method, url, body, {"content-type": content_type, "authToken": token})
            if answers.refuses_token(answer):
                token = self._tokens.renew(token)
                answer = self._http.request(method, url, body, {"content-type": content_type, "authToken": token})
        except NoToken as error:
            if isinstance(error.outcome, Rejected):
                raise _Stopped(NotDone("permission", error.outcome.title)) from None
            raise _Stopped(NotDone("later", "Message Central gives no token")) from None
        except NotReached as error:
            raise _Stopped(NotDone("later", f"no connection to Message Central: {error}")) from None
        except AnswerLost as error:
            raise _Stopped(NotDone("lost", f"Message Central's answer was lost: {error}")) from None
        return answer


# --- the form --------------------------------------------------------------------------------------------------------


def refusals(draft: Json) -> list[str]:
    """What Message Central's form has no place for. Pure."""
    by_type = {component["type"]: component for component in draft["components"]}
    header, body = by_type.get("HEADER"), by_type.get("BODY", {})
    found = [f"no field for {kind}" for kind in by_type if kind not in ("HEADER", "BODY", "FOOTER", "BUTTONS")]
    if header is None:
        found.append("a header is mandatory (its error 813)")
    elif header["format"] not in ("TEXT", *_MEDIA):
        found.append(f"no header {header['format']} (its error 811)")
    elif VARIABLE.search(header.get("text", "")):
        found.append("no field for the sample of a header's variable")
    elif header["format"] in _MEDIA and "header_file" not in header.get("example", {}):
        found.append("the header's sample must be a file: example.header_file (its error 814)")
    if draft.get("parameter_format") == NAMED:
        found.append("no variables with names")
    if any(len(sample.split()) != 1 for sample in _samples(body)):
        found.append("samples are split at blanks, so each must be one word (its error 827)")
    if "message_send_ttl_seconds" in draft:
        found.append("no field for message_send_ttl_seconds")
    buttons = by_type.get("BUTTONS", {}).get("buttons", [])
    others = {button["type"] for button in buttons} - {"QUICK_REPLY", "URL", "PHONE_NUMBER"}
    found += [f"no button {kind}" for kind in sorted(others)]
    return [f"Message Central has {each}" if each.startswith("no ") else f"at Message Central {each}" for each in found]


def form_of(draft: Json, files: Mapping[str, SampleFile]) -> _Form:
    """The fields of a draft that has no `refusals`. Pure."""
    by_type = {component["type"]: component for component in draft["components"]}
    header, body = by_type["HEADER"], by_type["BODY"]
    form: _Form = {name: draft[name] for name in ("name", "language", "category")}
    form["headerFormat"] = header["format"]
    if header["format"] == "TEXT":
        form["header"] = header["text"]
    else:
        file = files[header["example"]["header_file"]]
        form["file"] = (file.name, file.content, file.content_type)
    form["body"] = body["text"]
    if variables(body["text"]):
        form["bodyValue"] = " ".join(_samples(body))
    if "FOOTER" in by_type:
        form["footer"] = by_type["FOOTER"]["text"]
    if "BUTTONS" in by_type:
        form["buttons"] = to_json([_button(button) for button in by_type["BUTTONS"]["buttons"]]).decode()
    return form


def _button(button: Json) -> Json:
    made = {"type": button["type"], "text": button["text"]}
    if button["type"] == "PHONE_NUMBER":
        return made | {"value": digits(button["phone_number"]) or button["phone_number"]}
    if button["type"] == "URL":
        if VARIABLE.search(button["url"]):
            given = button.get("example", "")
            return made | {"url": button["url"], "example": given[0] if isinstance(given, list) else given}
        return made | {"value": button["url"]}
    return made


def _samples(body: Json) -> list[str]:
    given = body.get("example", {}).get("body_text", [])
    return [sample for each in given for sample in (each if isinstance(each, list) else [each])]


def _inner(answer: Any) -> Json:
    """`data.data`."""
    for _ in range(2):
        answer = answer.get("data") if isinstance(answer, dict) else None
    return answer if isinstance(answer, dict) else {}


def _not_done(answer: Answer, code: int | None, words: str) -> NotDone:
    if code is None:
        return NotDone("lost" if answer.status >= 500 else "refused", f"HTTP {answer.status} without an answer")
    reason = f"{words or 'refused'} (Message Central's error {code})"
    if answers.refuses_token(answer):
        return NotDone("permission", reason)
    if code == 429 or codes.error(code, words).reaction in ("throttle", "overload", "retry"):
        return NotDone("later", reason, answer.retry_after)
    return NotDone("refused", reason)
