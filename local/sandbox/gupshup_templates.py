"""Gupshup's list of templates, flat and with its traps: errors come with HTTP 200, and the total may be larger than
what it lists. Source: public clients of the API; nothing of it is in Gupshup's documentation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.sandbox.files import File
from local.sandbox.gupshup_requests import Login
from local.sandbox.template_review import Changing

type Json = dict[str, Any]

METHOD = "GET_WHATSAPP_HSM"
CREATE, EDIT = "create_whatsapp_hsm", "update_whatsapp_hsm"
_MOST = 20_000


@dataclass
class FlatList(Changing):
    """The templates of an HSM login."""

    entries: list[Json] = field(default_factory=list)
    hidden: int = 0
    """So many more are in the total than are listed."""

    def page(self, form: Mapping[str, str]) -> Json:
        self._settle()
        wanted = {name: form[name] for name in ("name", "id") if name in form}
        found = [entry for entry in self.entries if all(str(entry[name]) == value for name, value in wanted.items())]
        begin = int(form.get("offset", 0))
        shown = found[begin : begin + min(int(form.get("limit", _MOST)), _MOST)]
        asked = json.loads(form.get("fields", "[]"))
        data = [{name: value for name, value in entry.items() if name != "buttons" or name in asked} for entry in shown]
        return {"data": data, "meta": {"total": len(found) + self.hidden}}


def refused(form: Mapping[str, str], logins: Mapping[str, Login]) -> Json | None:
    """The error of a request with wrong credentials, or those of the other login."""
    login = logins.get(form.get("userid", ""))
    if login is None or login.kind != "hsm" or form.get("password") != login.password:
        return {"status": "error", "id": "401", "details": "Authentication failed"}
    return None


def made(form: Mapping[str, str], files: Mapping[str, File], template_id: int) -> Json | str:
    """The entry of a template that is made of a form; a text says what is wrong."""
    missing = [name for name in ("type", "category", "language", "template_name", "template") if not form.get(name)]
    if missing:
        return f"{missing[0]} is missing."
    if form["type"] in ("image", "video", "document") and "header_examples" not in files:
        return "header_examples is missing."
    if "{{" in form["template"] and "template_variable_examples" not in form:
        return "template_variable_examples is missing."
    buttons = [{"type": "QUICK_REPLY", "text": text} for text in json.loads(form.get("quick_reply_buttons", "[]"))]
    actions = [
        button | {"type": button["type"].upper()} for button in json.loads(form.get("call_to_action_buttons", "[]"))
    ]
    ordered = [*buttons, *actions] if form.get("quickReplyFirst") == "true" else [*actions, *buttons]
    parts = {name: form[name] for name in ("header", "footer") if name in form}
    return {
        "id": template_id,
        "name": form["template_name"],
        "category": form["category"],
        "language": form["language"],
        "type": form["type"].upper(),
        "body": form["template"],
        **parts,
        "button_type": "MIXED" if ordered else "NONE",
        **({"buttons": ordered} if ordered else {}),
    }
