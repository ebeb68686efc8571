"""Makes and edits templates at Gupshup.

Sources: the first pages of the vendor's guide of November 2021, two public clients for `create_whatsapp_hsm`, one for
`update_whatsapp_hsm`. Nobody has confirmed them; README's matrix says so.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.values import each, identifier, text, word
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.template_admin import Done, Made, NotDone, SampleFile
from whatsapp_bridge.providers.gupshup import codes
from whatsapp_bridge.templates.shapes import VARIABLE
from whatsapp_bridge.templates.template import NAMED

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account
    from whatsapp_bridge.templates.template import Template

_PATH: Final = "/GatewayAPI/rest"
_TYPES: Final = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document", "LOCATION": "location"}
_UNAUTHORISED: Final = "401"

type _Form = dict[str, Any]


class Admin:
    def __init__(self, account: "Account", services: Services) -> None:
        self._account, self._http = account, services.http

    @staticmethod
    def refusals(draft: Json) -> list[str]:
        return refusals(draft)

    def create(self, draft: Json, files: Mapping[str, SampleFile]) -> Made | NotDone:
        unfit = refusals(draft)
        if unfit:
            return NotDone("refused", "; ".join(unfit))
        said = self._call("create_whatsapp_hsm", form_of(draft, files))
        if isinstance(said, NotDone):
            return said
        made = next((identifier(detail.get("template_id")) for detail in _details(said)), None)
        if made is None:
            return NotDone("lost", "Gupshup's answer has no template_id")
        return Made(made, draft["name"], "PENDING", draft["category"])

    def edit(self, template: "Template", changes: Json, files: Mapping[str, SampleFile]) -> Done | NotDone:
        draft = {
            "name": template.bsp_name or template.name,
            "language": template.bsp_language or template.language,
            "category": template.category,
            **changes,
        }
        unfit = refusals(draft)
        if unfit:
            return NotDone("refused", "; ".join(unfit))
        said = self._call("update_whatsapp_hsm", {"id": template.id or "", **form_of(draft, files)})
        return said if isinstance(said, NotDone) else Done()

    def _call(self, method: str, fields: _Form) -> Json | NotDone:
        from urllib3.filepost import encode_multipart_formdata

        login = self._account.provider.hsm
        common = {"userid": login.user_id, "password": login.password, "method": method, "v": "1.1", "format": "json"}
        body, content_type = encode_multipart_formdata({**common, "auth_scheme": "plain", **fields})
        url = f"{self._account.provider.templates_url}{_PATH}"
        try:
            answer = self._http.request("POST", url, body, {"content-type": content_type})
        except NotReached as error:
            return NotDone("later", f"no connection to Gupshup: {error}")
        except AnswerLost as error:
            return NotDone("lost", f"Gupshup's answer was lost: {error}")
        return _said(answer)


def _said(answer: Answer) -> Json | NotDone:
    """Its word decides, and not the HTTP status: errors come with 200."""
    body = answer.json()
    inner = body.get("response") if isinstance(body, dict) else None
    said = inner if isinstance(inner, dict) else body if isinstance(body, dict) else {}
    status = word(said.get("status"))
    if status == "success":
        return said
    if status != "error":
        return NotDone("lost" if answer.status >= 500 else "refused", f"HTTP {answer.status} without Gupshup's answer")
    code = identifier(said.get("id")) or ""
    reason = f"{text(said.get('details')) or codes.error(code).title} (Gupshup's error {code})"
    return NotDone("permission" if codes.error(code).alarm or code == _UNAUTHORISED else "refused", reason)


def _details(said: Json) -> list[Json]:
    return [detail for detail in each(said.get("details")) if isinstance(detail, dict)]


# --- the form --------------------------------------------------------------------------------------------------------


def refusals(draft: Json) -> list[str]:
    """What no source shows a field for. Pure."""
    by_type = {component["type"]: component for component in draft["components"]}
    found = [f"no field for {kind}" for kind in by_type if kind not in ("HEADER", "BODY", "FOOTER", "BUTTONS")]
    buttons = by_type.get("BUTTONS", {}).get("buttons", [])
    others = {button["type"] for button in buttons} - {"QUICK_REPLY", "URL", "PHONE_NUMBER"}
    found += [f"no button {kind}" for kind in sorted(others)]
    if draft.get("parameter_format") == NAMED:
        found.append("no variables with names")
    header = by_type.get("HEADER", {})
    if header.get("format") in ("IMAGE", "VIDEO", "DOCUMENT") and "header_file" not in header.get("example", {}):
        found.append("no field for a handle of Meta's: the header's sample must be a file, example.header_file")
    return [f"Gupshup has {each_of_them}" for each_of_them in found]


def form_of(draft: Json, files: Mapping[str, SampleFile]) -> _Form:
    """The fields of a draft that has no `refusals`. Pure."""
    by_type = {component["type"]: component for component in draft["components"]}
    body = by_type["BODY"]
    form: _Form = {
        "type": _TYPES.get(by_type.get("HEADER", {}).get("format", ""), "text"),
        "category": draft["category"],
        "language": draft["language"],
        "template_name": draft["name"],
        "template": body["text"],
    }
    if samples := body.get("example", {}).get("body_text"):
        form["template_variable_examples"] = _json(samples[0] if isinstance(samples[0], list) else samples)
    if "HEADER" in by_type:
        form |= _header(by_type["HEADER"], files)
    if "FOOTER" in by_type:
        form["footer"] = by_type["FOOTER"]["text"]
    if "BUTTONS" in by_type:
        form |= _buttons(by_type["BUTTONS"]["buttons"])
    if "message_send_ttl_seconds" in draft:
        form["message_send_ttl_seconds"] = str(draft["message_send_ttl_seconds"])
    return form


def _header(header: Json, files: Mapping[str, SampleFile]) -> _Form:
    sample = header.get("example", {})
    if header["format"] == "TEXT":
        examples = {"header_examples": _json(sample["header_text"])} if sample.get("header_text") else {}
        return {"header": header["text"]} | examples
    if "header_file" in sample:
        file = files[sample["header_file"]]
        return {"header_examples": (file.name, file.content, file.content_type)}
    return {}


def _buttons(buttons: list[Json]) -> _Form:
    replies = [button["text"] for button in buttons if button["type"] == "QUICK_REPLY"]
    actions = [_action(button) for button in buttons if button["type"] != "QUICK_REPLY"]
    form: _Form = {}
    if replies:
        form["quick_reply_buttons"] = _json(replies)
    if actions:
        form["call_to_action_buttons"] = _json(actions)
    if replies and actions:
        form["quickReplyFirst"] = "true" if buttons[0]["type"] == "QUICK_REPLY" else "false"
    return form


def _action(button: Json) -> Json:
    if button["type"] == "PHONE_NUMBER":
        return {"type": "phone_number", "text": button["text"], "phone_number": button["phone_number"]}
    made = {"type": "url", "text": button["text"]}
    if VARIABLE.search(button["url"]):
        given = button.get("example", [])
        samples = given if isinstance(given, list) else [given]
        return made | {"urlType": "dynamic", "url": VARIABLE.sub("", button["url"]), "example": samples}
    return made | {"urlType": "static", "url": button["url"]}


def _json(value: Any) -> str:
    return to_json(value).decode()
