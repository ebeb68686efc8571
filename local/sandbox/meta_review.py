"""Meta's making of templates and their review, with its limits and errors, whose texts are in the account's language.

What a template's name holds decides what becomes of it: `rejected` is rejected by the review, `paused` is approved and
then paused, `at_once` is approved in the answer, and a utility template `offer` is taken for marketing.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management", "Template
review" and "Template categorization"; the errors are answers that public clients have captured.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from local.sandbox.meta_templates import Json, TemplateAnswer, TemplateList, error

REVIEW_SECONDS = 2.0
_PAUSE_AFTER_SECONDS = 2.0
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
    """A business account's templates, which can be made. `told` gets each event of a review and when it is due."""

    def __init__(self, now: Callable[[], float] = time.time, told: Callable[[Json, float], None] | None = None) -> None:
        super().__init__()
        self.review_seconds = REVIEW_SECONDS
        self.most_templates = 250
        self.lost_answers = 0
        """So many answers of the next changes are lost, though they are made."""
        self._now, self._told = now, told
        self._due: list[tuple[float, str, str]] = []
        """When which template gets which status."""
        self._edits: dict[str, list[float]] = {}
        self._blocked: dict[tuple[str, str], float] = {}
        self._next_id = 833_839_050_000_100
        self.uploads: dict[str, bytearray] = {}

    # --- review ------------------------------------------------------------------------------------------------------

    def _begin(self) -> TemplateAnswer | None:
        self._review()
        return super()._begin()

    def _review(self) -> None:
        now = self._now()
        for at, template_id, status in sorted(self._due):
            if at <= now:
                self._of(template_id).update(status=status, **_reason(status))
        self._due = [each for each in self._due if each[0] > now]

    def _submit(self, entry: Json) -> None:
        """In review: what its name says becomes of it."""
        self._due = [each for each in self._due if each[1] != entry["id"]]
        entry["status"] = "PENDING"
        if "at_once" in entry["name"]:
            entry["status"] = "APPROVED"
            return
        reviewed = self._now() + self.review_seconds
        self._later(entry, reviewed, "REJECTED" if "rejected" in entry["name"] else "APPROVED")
        if "paused" in entry["name"]:
            self._later(entry, reviewed + _PAUSE_AFTER_SECONDS, "PAUSED")

    def _later(self, entry: Json, at: float, status: str) -> None:
        self._due.append((at, entry["id"], status))
        if self._told:
            value = {
                "event": status,
                # A number here, a text in lists.
                "message_template_id": int(entry["id"]),
                "message_template_name": entry["name"],
                "message_template_language": entry["language"].replace("_", "-"),
                "reason": _reason(status).get("rejected_reason"),
            }
            self._told(value, at)

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
        if self._blocked.get(key, 0) > self._now():
            raise _Refused(refused(2388023))
        if any((entry["name"], entry["language"]) == key for entry in self.entries):
            raise _Refused(refused(2388024))
        category = draft["category"].upper()
        for entry in self.entries:
            if entry["name"] == draft["name"] and entry["category"] != category:
                words = f"The category {category} doesn't match the one that's already associated with this template"
                raise _Refused(error(100, "Invalid parameter", is_transient=False, error_user_msg=words))
        if category == "UTILITY" and "offer" in draft["name"]:
            category = "MARKETING"
        self._next_id += 1
        made = {"parameter_format": "POSITIONAL", **draft, "id": str(self._next_id), "category": category}
        self.entries.append(made)
        self._submit(made)
        return {"id": made["id"], "status": made["status"], "category": category}

    def _edit(self, entry: Json, changes: Any) -> Json:
        if entry["status"] not in _EDITABLE:
            raise _Refused(refused(2388039))
        if entry["status"] == "APPROVED":
            now, edits = self._now(), self._edits.setdefault(entry["id"], [])
            if sum(now - at < _DAY for at in edits) >= _EDITS_A_DAY or len(edits) >= _EDITS_A_MONTH:
                words = "Du kannst eine genehmigte Vorlage einmal in 24 Stunden bearbeiten."
                raise _Refused(error(100, "Invalid parameter", error_user_title="Zu viele", error_user_msg=words))
            if changes.get("category", entry["category"]).upper() != entry["category"]:
                raise _Refused(refused(2388039))
            edits.append(now)
        _check({**entry, **changes})
        entry.update(changes)
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
            if entry["status"] == "APPROVED":
                self._blocked[entry["name"], entry["language"]] = self._now() + _BLOCKED_DAYS * _DAY
        self._due = [each for each in self._due if self._of(each[1])]
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


def _reason(status: str) -> Json:
    return {"rejected_reason": "PROMOTIONAL"} if status == "REJECTED" else {}
