"""Makes and changes the templates of the account's WhatsApp business account.

Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management" and "Template
pausing"; https://developers.facebook.com/docs/graph-api/guides/upload for samples; for archiving, david-lev/pywa.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from pydantic_core import to_json

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api import template_codes
from whatsapp_bridge.providers.cloud_api.template_list import usage
from whatsapp_bridge.providers.common.values import identifier, number, text
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.template_admin import Done, Made, NotDone, SampleFile

if TYPE_CHECKING:
    from whatsapp_bridge.providers.meta.settings import Account
    from whatsapp_bridge.templates.template import Template

_JSON: Final = {"content-type": "application/json"}
_MOST_UPLOADS: Final = 3


class _Stopped(Exception):
    def __init__(self, outcome: NotDone) -> None:
        super().__init__(outcome.why)
        self.outcome = outcome


class Admin:
    def __init__(self, account: "Account", services: Services) -> None:
        provider = account.provider
        self._http, self._waba_id, self._app_id = services.http, provider.waba_id, provider.app_id
        self._url = f"{provider.base_url}/{provider.api_version}"
        self._token = provider.access_token

    @staticmethod
    def refusals(draft: Json) -> list[str]:
        """None: a draft is Meta's own request."""
        return []

    def create(self, draft: Json, files: Mapping[str, SampleFile]) -> Made | NotDone:
        try:
            body = self._call("POST", f"{self._waba_id}/message_templates", self._with_handles(draft, files))
        except _Stopped as stopped:
            return stopped.outcome
        made = identifier(body.get("id"))
        if made is None:
            return NotDone("lost", "Meta's answer has no id")
        # Meta may hold a utility template for marketing, and says so here alone.
        status, category = _capitals(body.get("status")), _capitals(body.get("category"))
        return Made(made, draft["name"], status or "PENDING", category or draft["category"])

    def edit(self, template: "Template", changes: Json, files: Mapping[str, SampleFile]) -> Done | NotDone:
        try:
            return _done(self._call("POST", _part(template.id), self._with_handles(changes, files)))
        except _Stopped as stopped:
            return stopped.outcome

    def delete(self, name: str, template_id: str | None) -> Done | NotDone:
        asked = {"name": name} | ({} if template_id is None else {"hsm_id": template_id})
        try:
            return _done(self._call("DELETE", f"{self._waba_id}/message_templates?{urlencode(asked)}"))
        except _Stopped as stopped:
            return stopped.outcome

    def unpause(self, template_id: str) -> Done | NotDone:
        try:
            return _done(self._call("POST", f"{_part(template_id)}/unpause", {}))
        except _Stopped as stopped:
            return stopped.outcome

    def archive(self, template_ids: Sequence[str]) -> Done | NotDone:
        return self._archiving("archive", template_ids)

    def unarchive(self, template_ids: Sequence[str]) -> Done | NotDone:
        return self._archiving("unarchive", template_ids)

    def _archiving(self, what: str, template_ids: Sequence[str]) -> Done | NotDone:
        # These two calls alone have another host.
        url = self._url.replace("://graph.facebook.com", "://api.facebook.com", 1)
        try:
            path = f"{self._waba_id}/message_templates/{what}"
            body = self._call("POST", path, {"hsm_ids": ",".join(template_ids)}, url)
        except _Stopped as stopped:
            return stopped.outcome
        done = {identifier(each) for each in _list(body.get(f"{what}d_templates"))}
        return Done([each for each in template_ids if each not in done])

    # --- samples -----------------------------------------------------------------------------------------------------

    def _with_handles(self, value: Any, files: Mapping[str, SampleFile]) -> Any:
        """The draft with the handle of each file in place of its path. One file is uploaded once. Raises `_Stopped`."""
        handles: dict[str, str] = {}

        def replaced(part: Any) -> Any:
            if isinstance(part, list):
                return [replaced(element) for element in part]
            if not isinstance(part, dict):
                return part
            made = {name: replaced(member) for name, member in part.items() if name != "header_file"}
            if "header_file" in part:
                path = part["header_file"]
                if path not in handles:
                    handles[path] = self._upload(files[path])
                made["header_handle"] = [handles[path]]
            return made

        return replaced(value)

    def _upload(self, file: SampleFile) -> str:
        if self._app_id is None:
            reason = "samples are uploaded by the token's app: put its id in the account's secret, provider.app_id"
            raise _Stopped(NotDone("refused", reason))
        described = {"file_name": file.name, "file_length": len(file.content), "file_type": file.content_type}
        session = identifier(self._call("POST", f"{self._app_id}/uploads?{urlencode(described)}").get("id"))
        if session is None:
            raise _Stopped(NotDone("later", "Meta began no upload"))
        offset = 0
        for _ in range(_MOST_UPLOADS):
            headers = {"authorization": f"OAuth {self._token}", "file_offset": str(offset)}
            try:
                answer = self._http.request("POST", f"{self._url}/{session}", file.content[offset:], headers)
            except (AnswerLost, NotReached):
                # It goes on where it broke off.
                offset = number(self._call("GET", session, scheme="OAuth").get("file_offset")) or 0
                continue
            handle = text(_object(answer.json()).get("h"))
            if not handle:
                raise _Stopped(_not_done(answer))
            return handle
        raise _Stopped(NotDone("later", "the upload of a sample broke off again and again"))

    # --- calls -------------------------------------------------------------------------------------------------------

    def _call(
        self, method: str, path: str, payload: Any = None, url: str | None = None, scheme: str = "Bearer"
    ) -> Json:
        """The answer's object. Raises `_Stopped`."""
        headers = {"authorization": f"{scheme} {self._token}"} | ({} if payload is None else _JSON)
        body = None if payload is None else to_json(payload)
        try:
            answer = self._http.request(method, f"{url or self._url}/{path}", body, headers)
        except NotReached as error:
            raise _Stopped(NotDone("later", f"no connection to Meta: {error}")) from None
        except AnswerLost as error:
            raise _Stopped(NotDone("lost", f"Meta's answer was lost: {error}")) from None
        if not 200 <= answer.status < 300:
            raise _Stopped(_not_done(answer))
        return _object(answer.json())


def _not_done(answer: Answer) -> NotDone:
    error = _object(_object(answer.json()).get("error"))
    code, subcode = number(error.get("code")), number(error.get("error_subcode"))
    if code is None and subcode is None:
        # A proxy's page: what Meta did, it does not know.
        return NotDone("lost" if answer.status >= 500 else "refused", f"HTTP {answer.status} without Meta's answer")
    row = template_codes.SUBCODES.get(subcode or 0)
    reason = _words(error, code, subcode, row.advice if row else "")
    if row is not None:
        return NotDone(row.why, reason)
    if code in template_codes.RATES:
        return NotDone("later", reason, usage(answer)[1] or answer.retry_after)
    if code in template_codes.UNCLEAR:
        return NotDone("lost", reason)
    if code in template_codes.PERMISSIONS or subcode == template_codes.NOT_SEEN:
        return NotDone("permission", f"{reason}: the token needs the permission whatsapp_business_management")
    return NotDone("refused", reason)


def _words(error: Json, code: int | None, subcode: int | None, advice: str) -> str:
    """Meta's own words first; `message` is the same for most errors."""
    said = [text(error.get(name)) for name in ("error_user_title", "error_user_msg")]
    words = ": ".join(each for each in said if each) or text(error.get("message")) or "refused"
    blamed = _object(error.get("error_data")).get("blame_field_specs")
    named = ", ".join(".".join(map(str, path)) for path in _list(blamed) if isinstance(path, list))
    codes = "/".join(str(each) for each in (code, subcode) if each is not None)
    where = f" [{named}]" if named else ""
    return f"{words}{where} (Meta's error {codes})" + (f"; {advice}" if advice else "")


def _done(body: Json) -> Done | NotDone:
    if body.get("success") is False:
        return NotDone("refused", text(body.get("reason")) or "Meta did not do it, and gave no reason")
    return Done()


def _part(template_id: str | None) -> str:
    """As a part of an address."""
    return quote(template_id or "", safe="")


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _capitals(value: Any) -> str:
    return (text(value) or "").strip().upper()
