"""Meta's making of templates and their review, with its limits and errors, whose texts are in the account's language.

How a review ends is told by the end of the template's name: see `template_review`. Besides, `…_at_once` is approved in
the answer, and a utility template `…_offer` is taken for marketing.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management", "Template
review" and "Template categorization"; the errors are answers that public clients have captured.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from local.sandbox import template_review
from local.sandbox.meta_templates import Json, TemplateAnswer, TemplateList, error

_DAY = 86_400
_EDITS_A_DAY, _EDITS_A_MONTH = 1, 10
_BLOCKED_DAYS = 30
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
_MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")
_SAMPLES = ("hello_world",)

# subcode: title and sentence. German, as one public client has captured them: nobody may match their words.
_ERRORS = {
    2388019: ("Vorlagenlimit erreicht", "Dieses Konto hat so viele Vorlagen, wie es haben darf."),
    2388023: ("Die Sprache der Vorlage wird gelöscht", "Neue Inhalte können erst in 4 Wochen hinzugefügt werden."),
    2388024: ("Inhalte in dieser Sprache existieren bereits", "Es gibt bereits Inhalte in dieser Sprache."),
    2388039: ("Status kann nicht geändert werden", "Der Status dieser Nachrichtenvorlage kann nicht geändert werden."),
    2388043: ("Beispiel fehlt", "Für die Variablen des Textes ist ein Beispiel erforderlich."),
    2388046: ("Name ist ungültig", "Der Name darf nur Kleinbuchstaben, Ziffern und Unterstriche enthalten."),
    2388094: ("Beispielvorlage", "Beispielvorlagen können nicht gelöscht werden."),
    2388155: ("Name einer Beispielvorlage", "Diese Vorlage heißt wie eine Beispielvorlage."),
    2388273: ("Sample-Parameter für Titelart fehlt", "Für Vorlagen mit diesem Kopf ist ein Beispiel erforderlich."),
}


def refused(subcode: int) -> Json:
    title, words = _ERRORS[subcode]
    return error(
        100,
        "Invalid parameter",
        error_subcode=subcode,
        is_transient=False,
        error_user_title=title,
        error_user_msg=words,
    )


class _Refused(Exception):
    def __init__(self, body: Json) -> None:
        super().__init__()
        self.body = body


class ReviewedTemplates(TemplateList):
    """A business account's templates, which can be made. `told` gets each event of a review: the template, the step,
    and in how many seconds it happens."""

    def __init__(self, told: Callable[[Json, template_review.Step, float], None] | None = None) -> None:
        super().__init__()
        self.review_seconds = template_review.REVIEW_SECONDS
        self.most_templates = 250
        self.lost_answers = 0
        """So many answers of the next changes are lost, though they are made."""
        self._told = told
        self._edits: dict[str, list[float]] = {}
        self._blocked: dict[tuple[str, str], float] = {}
        self._next_id = 833_839_050_000_100
        self.uploads: dict[str, bytearray] = {}

    # --- review ------------------------------------------------------------------------------------------------------

    def hand_in(self, entry: Json) -> None:
        """List a template that is in review from now on."""
        self.entries.append(entry)
        self._submit(entry)

    def _submit(self, entry: Json) -> None:
        self._withdraw(entry)
        entry["status"] = "PENDING"
        if entry["name"].endswith("_at_once"):
            entry["status"] = "APPROVED"
            return
        for place, step in enumerate(template_review.course(entry["name"]), start=1):
            delay = place * self.review_seconds
            reason = {"rejected_reason": step.reason} if step.status == "REJECTED" else {}
            self.later(delay, entry, status=step.status, **reason)
            if step.told and self._told:
                self._told(entry, step, delay)

    def _withdraw(self, entry: Json) -> None:
        """What was to become of it does not."""
        self._due = [due for due in self._due if due[1] is not entry]

    def named(self, name: str) -> Json:
        """The entry of a name."""
        return next(entry for entry in self.entries if entry["name"] == name)

    def _of(self, template_id: str) -> Json:
        return next((entry for entry in self.entries if entry.get("id") == template_id), {})

    # --- changes -----------------------------------------------------------------------------------------------------

    def change(self, method: str, place: str, query: Mapping[str, str], payload: Any) -> TemplateAnswer:
        """`place` is what stands behind the version: of this business account's, or a template's id."""
        instead = self._begin()
        if instead is not None:
            return instead
        try:
            body = self._changed(method, place, query, payload)
        except _Refused as refusal:
            return self._answer(400, refusal.body)
        if self.lost_answers:
            self.lost_answers -= 1
            return TemplateAnswer(200, b"", lost=True)
        return self._answer(200, body)

    def _changed(self, method: str, place: str, query: Mapping[str, str], payload: Any) -> Json:
        first, _, rest = place.partition("/")
        if method == "DELETE":
            return self._delete(query)
        if rest == "message_templates":
            return self._create(payload)
        if rest.startswith("message_templates/"):
            return self._archive(rest.rpartition("/")[2], payload)
        entry = self._of(first)
        return self._unpause(entry) if rest == "unpause" else self._edit(entry, payload)

    def _create(self, draft: Any) -> Json:
        _check(draft)
        key = (draft["name"], draft["language"])
        if len(self.entries) >= self.most_templates:
            raise _Refused(refused(2388019))
        if self._blocked.get(key, 0) > self.clock():
            raise _Refused(refused(2388023))
        if any((entry["name"], entry["language"]) == key for entry in self.entries):
            raise _Refused(refused(2388024))
        category = draft["category"].upper()
        for entry in self.entries:
            if entry["name"] == draft["name"] and entry["category"] != category:
                words = f"The category {category} doesn't match the one that's already associated with this template"
                raise _Refused(error(100, "Invalid parameter", is_transient=False, error_user_msg=words))
        if category == "UTILITY" and draft["name"].endswith("_offer"):
            category = "MARKETING"
        self._next_id += 1
        made = {"parameter_format": "POSITIONAL", **draft, "id": str(self._next_id), "category": category}
        self.hand_in(_linked(made))
        made = self.entries[-1]
        return {"id": made["id"], "status": made["status"], "category": category}

    def _edit(self, entry: Json, changes: Any) -> Json:
        if entry["status"] not in _EDITABLE:
            raise _Refused(refused(2388039))
        if entry["status"] == "APPROVED":
            now, edits = self.clock(), self._edits.setdefault(entry["id"], [])
            if sum(now - at < _DAY for at in edits) >= _EDITS_A_DAY or len(edits) >= _EDITS_A_MONTH:
                words = "Du kannst eine genehmigte Vorlage einmal in 24 Stunden bearbeiten."
                raise _Refused(error(100, "Invalid parameter", error_user_title="Zu viele", error_user_msg=words))
            if changes.get("category", entry["category"]).upper() != entry["category"]:
                raise _Refused(refused(2388039))
            edits.append(now)
        _check({**entry, **changes})
        entry.update(_linked(changes))
        self._submit(entry)
        return {"success": True}

    def _delete(self, query: Mapping[str, str]) -> Json:
        name, template_id = query.get("name"), query.get("hsm_id")
        gone = [entry for entry in self.entries if entry["name"] == name and template_id in (None, entry["id"])]
        if name in _SAMPLES:
            raise _Refused(refused(2388094))
        if not gone or any(entry["status"] == "DISABLED" for entry in gone):
            raise _Refused(refused(2388039))
        for entry in gone:
            self.entries.remove(entry)
            self._withdraw(entry)
            if entry["status"] == "APPROVED":
                self._blocked[entry["name"], entry["language"]] = self.clock() + _BLOCKED_DAYS * _DAY
        return {"success": True}

    def _unpause(self, entry: Json) -> Json:
        if entry["status"] != "PAUSED":
            return {"success": False, "reason": "Die Vorlage ist nicht pausiert."}
        entry["status"] = "APPROVED"
        return {"success": True}

    def _archive(self, what: str, payload: Any) -> Json:
        wanted, to = ("APPROVED", "ARCHIVED") if what == "archive" else ("ARCHIVED", "APPROVED")
        done: list[str] = []
        failed: list[str] = []
        for template_id in payload["hsm_ids"].split(","):
            entry = self._of(template_id)
            fits = entry.get("status") == wanted
            (done if fits else failed).append(template_id)
            if fits:
                entry["status"] = to
        return {f"{what}d_templates": done, "failed_templates": failed}

    # --- uploads of samples ------------------------------------------------------------------------------------------

    def upload(self, method: str, place: str, offset: str | None, body: bytes) -> TemplateAnswer:
        """The session of a file, and its bytes."""
        if place.endswith("/uploads"):
            name = f"upload:session{len(self.uploads)}"
            self.uploads[name] = bytearray()
            return TemplateAnswer(200, json.dumps({"id": name}).encode())
        received = self.uploads[place]
        if method == "GET":
            return TemplateAnswer(200, json.dumps({"id": place, "file_offset": len(received)}).encode())
        del received[int(offset or 0) :]
        received += body
        return TemplateAnswer(200, json.dumps({"h": f"4::{place.partition(':')[2]}"}).encode())


def _check(draft: Any) -> None:
    """What the review's first look refuses at once. Raises `_Refused`."""
    if not _NAME.fullmatch(draft.get("name", "")):
        raise _Refused(refused(2388046))
    if draft["name"] in _SAMPLES:
        raise _Refused(refused(2388155))
    for component in draft.get("components", []):
        sample = component.get("example", {})
        if component.get("format") in _MEDIA and not sample.get("header_handle"):
            raise _Refused(refused(2388273))
        if component.get("type") == "BODY" and "{{" in component.get("text", "") and not sample:
            raise _Refused(refused(2388043))


def _linked(part: Any) -> Any:
    """As lists have it: with links that expire in place of samples' handles."""
    if isinstance(part, list):
        return [_linked(element) for element in part]
    if not isinstance(part, dict):
        return part
    made = {name: _linked(member) for name, member in part.items()}
    if "header_handle" in part:
        made["header_handle"] = [f"https://scontent.example/v/{each[3:]}?oe=6A000000" for each in part["header_handle"]]
    return made
