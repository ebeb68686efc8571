"""What Gupshup's enterprise API accepts: forms with a login, and the fields of each method.

Source: Gupshup's "Enterprise Messaging APIs for WhatsApp Business", and public clients of the API.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.sandbox.files import is_address, is_file_name
from local.sandbox.template_values import MAX_BODY, MAX_FOOTER, MAX_HEADER, is_rendered, is_value, is_value_of_url

ERRORS: dict[str, str] = {
    "101": "Mandatory parameter missing or not valid.",
    "102": "Authentication failed due to invalid userId or password.",
    "103": "The user does not exist.",
    "105": "The phone number is not a valid phone number.",
    "106": "The method is not supported.",
    "107": "The version is not supported.",
    "312": "The user has not opted in.",
    "318": "Message does not match WhatsApp HSM template.",
}

MAX_TEXT = 4095
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_COMMON = frozenset({"method", "userid", "password", "v", "auth_scheme", "format"})
_OPT_IN = _COMMON | {"phone_number", "channel"}
_SENT = _COMMON | {"send_to", "extra", "msg_id", "data_encoding", "msg_type"}
_MEDIA = frozenset({"media_url", "caption", "filename"})
_TEMPLATE = frozenset({"isTemplate", "header", "footer", "buttonUrlParam", "whatsAppTemplateId", "wa_template_json"})
_BY_TEXT = frozenset({"url", "quick_reply"})
_VARIABLE = re.compile(r"h?var[1-9][0-9]*")


class Refused(Exception):
    """An error of ERRORS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Login:
    """One of an account's two logins: `kind` is hsm or two_way."""

    account: str
    kind: str
    password: str = field(repr=False)


def check(form: Mapping[str, str], logins: Mapping[str, Login]) -> Login:
    """The login of a request. Raises `Refused`."""
    if "userid" not in form or "password" not in form:
        raise Refused("101")
    login = logins.get(form["userid"])
    if login is None:
        raise Refused("103")
    if form["password"] != login.password or form.get("auth_scheme", "").lower() != "plain":
        raise Refused("102")
    if form.get("v") != "1.1":
        raise Refused("107")
    match form.get("method", "").upper():
        case "OPT_IN":
            _need(set(form) == _OPT_IN and form["channel"].upper() == "WHATSAPP" and login.kind == "hsm")
            _need_number(form["phone_number"])
        case "SENDMESSAGE" | "SENDMEDIAMESSAGE":
            _check_sent(form, login)
        case _:
            raise Refused("106")
    return login


def _need(condition: bool) -> None:
    if not condition:
        raise Refused("101")


def _need_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise Refused("105")


def _check_sent(form: Mapping[str, str], login: Login) -> None:
    _need({"send_to", "msg_type"} <= set(form))
    _need_number(form["send_to"])
    if form.get("data_encoding", "TEXT").upper() == "TEXT":
        _need(all(value.isascii() for value in form.values()))
    template = form.get("isHSM") == "true"
    # Templates use one login, freeform messages the other.
    if template != (login.kind == "hsm"):
        raise Refused("318")
    of_media = form["method"].upper() == "SENDMEDIAMESSAGE"
    (_check_media if of_media else _check_text)(form)
    if template:
        _check_template(form)
    else:
        _need(set(form) <= _SENT | {"isHSM"} | (_MEDIA if of_media else {"msg"}))


def _check_text(form: Mapping[str, str]) -> None:
    by_id = "whatsAppTemplateId" in form
    kinds = {"TEXT", "HSM", "LOCATION"} if by_id else {"TEXT", "HSM"} if "isHSM" in form else {"TEXT"}
    _need(form["msg_type"].upper() in kinds)
    _need(by_id or 0 < len(form.get("msg", "").strip()) <= MAX_TEXT)


def _check_media(form: Mapping[str, str]) -> None:
    _need(form["msg_type"].upper() in {"IMAGE", "VIDEO", "AUDIO", "DOCUMENT"})
    _need(is_address(form.get("media_url")))
    _need(is_file_name(form.get("filename", "any")))
    _need("whatsAppTemplateId" in form or form.get("caption") not in (None, "null"))


def _check_template(form: Mapping[str, str]) -> None:
    by_id = "whatsAppTemplateId" in form
    variables = {name for name in form if _VARIABLE.fullmatch(name)}
    texts = {"header", "footer", "msg", "caption"} & set(form)
    _need(set(form) - variables <= _SENT | _MEDIA | _TEMPLATE | {"isHSM", "msg", "location"})
    _need(not (by_id and texts) and not (not by_id and variables))
    _need(len(form.get("footer", "")) <= MAX_FOOTER)
    _need(all(is_value(form[name]) for name in variables))
    _need(is_value_of_url(form.get("buttonUrlParam", "any")))
    for name, most in (("header", MAX_HEADER), ("msg", MAX_BODY), ("caption", MAX_BODY)):
        if not is_rendered(form.get(name, ""), most):
            raise Refused("318")
    parts = {"header", "footer", "buttonUrlParam", "wa_template_json"} & set(form)
    _need(form.get("isTemplate") == "true" or not parts)
    _need(("location" in form) == (form["msg_type"].upper() == "LOCATION"))
    if "location" in form:
        _need({"latitude", "longitude"} <= set(_object(form["location"])))
    if "wa_template_json" in form:
        _check_components(_object(form["wa_template_json"]).get("components"), by_id=by_id)


def _check_components(components: Any, *, by_id: bool) -> None:
    """By its text a template may have those of links and quick replies alone."""
    _need(isinstance(components, list) and all(isinstance(part, dict) for part in components))
    _need(by_id or all(part.get("sub_type") in _BY_TEXT for part in components))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise Refused("101") from None
    _need(isinstance(value, dict))
    return dict(value)
