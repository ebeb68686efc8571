"""How Message Central makes templates, with a spelling of its own for names, and tells of one.

Source: "Create Template" and "Check Template Status" of its documentation. How a review ends is told by the end of the
name: see `template_review`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from local.sandbox import template_review
from local.sandbox.files import File
from whatsapp_bridge.templates.shapes import variables

type Json = dict[str, Any]

PATH: Final = "/verification/v3/template"
ERRORS: Final = {
    801: "Invalid sender",
    810: "Required Parameter is missing. Template name, type, category and language are required",
    811: "Invalid header_format",
    812: "File is not allowed in header_format TEXT",
    813: "Header is mandatory if header_format is TEXT",
    814: "File is mandatory if header_format is media type",
    815: "Header is not allowed if header_format is file type",
    816: "Provide a correct template name",
    817: "Required parameter is missing. Template id and Template name are required",
    826: "Variable template but missing bodyValues field",
    827: "bodyValue does not match with number of placeholders/variables used in body",
}
_MEDIA: Final = ("IMAGE", "VIDEO", "DOCUMENT")


class Refused(Exception):
    """An error of ERRORS."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class CentralTemplates(template_review.Changing):
    """One customer's templates."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.entries: dict[str, Json] = {}
        """By id."""
        self._number = number

    def create(self, fields: Mapping[str, str], files: Mapping[str, File]) -> Json:
        """Raises `Refused`."""
        _check(fields, files, self._number)
        entry: Json = {
            # As in the documentation: Abhishek786 becomes abhishek_786.
            "name": re.sub(r"(?<=[a-z])(?=[0-9])", "_", fields["name"].lower()),
            "components": _components(fields),
            "language": fields["language"],
            "status": "PENDING",
            "category": fields["category"],
            "id": str(790_937_216_444_000 + len(self.entries)),
        }
        self.entries[entry["id"]] = entry
        for place, step in enumerate(template_review.course(fields["name"]), start=1):
            self.later(place * template_review.REVIEW_SECONDS, entry, status=step.status)
        return {name: entry[name] for name in ("name", "id", "status", "category")}

    def status(self, fields: Mapping[str, str]) -> Json:
        """The bare template. Raises `Refused`."""
        self._settle()
        if fields.get("phoneNumber") != self._number:
            raise Refused(801)
        if not (fields.get("templateName") and fields.get("templateId")):
            raise Refused(817)
        entry = self.entries.get(fields["templateId"])
        if entry is None or entry["name"] != fields["templateName"]:
            raise Refused(816)
        return entry


def _check(fields: Mapping[str, str], files: Mapping[str, File], number: str) -> None:
    """Raises `Refused`."""
    if fields.get("phoneNumber") != number:
        raise Refused(801)
    if not all(fields.get(name) for name in ("name", "language", "category", "headerFormat", "body")):
        raise Refused(810)
    kind = fields["headerFormat"]
    if kind not in ("TEXT", *_MEDIA):
        raise Refused(811)
    if kind == "TEXT" and "file" in files:
        raise Refused(812)
    if kind == "TEXT" and not fields.get("header"):
        raise Refused(813)
    if kind != "TEXT" and "file" not in files:
        raise Refused(814)
    if kind != "TEXT" and fields.get("header"):
        raise Refused(815)
    names = variables(fields["body"])
    if names and not fields.get("bodyValue"):
        raise Refused(826)
    if len(fields.get("bodyValue", "").split()) != len(names):
        raise Refused(827)


def _components(fields: Mapping[str, str]) -> list[Json]:
    text = {"text": fields["header"]} if "header" in fields else {}
    made: list[Json] = [{"type": "HEADER", "format": fields["headerFormat"], **text}]
    made.append({"type": "BODY", "text": fields["body"]})
    if "footer" in fields:
        made.append({"type": "FOOTER", "text": fields["footer"]})
    if "buttons" in fields:
        made.append({"type": "BUTTONS", "buttons": [_button(button) for button in json.loads(fields["buttons"])]})
    return made


def _button(button: Json) -> Json:
    """As Meta has it: Message Central has `value` for a URL and for a number."""
    made = {name: value for name, value in button.items() if name != "value"}
    if "value" in button:
        made["url" if button["type"] == "URL" else "phone_number"] = button["value"]
    return made
