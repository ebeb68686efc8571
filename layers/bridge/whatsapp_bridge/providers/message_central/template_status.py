"""Asks Message Central for one template: it has no list, and must be told name, id and language.

Source: section "Get Template Status" of Message Central's documentation. A GET with the fields of a form; the answer is
the bare template in Meta's form, without reason and quality.
"""

from collections.abc import Callable
from functools import partial
from time import time
from typing import TYPE_CHECKING, Final

from urllib3.filepost import encode_multipart_formdata

from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached, TooLarge
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import Rejected
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.providers.message_central import answers
from whatsapp_bridge.providers.message_central.tokens import NoToken, Tokens

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account
    from whatsapp_bridge.templates.news import News
    from whatsapp_bridge.templates.template import Template

SOURCE: Final = "Message Central's status"
_PATH: Final = "/verification/v3/template"
_NO_SENDER: Final = 801
# "Provide a correct template name", and Meta's text that there is no such object, under the code of credentials.
_MISSING: Final = frozenset({816, 800})
_LATER: Final = frozenset({429, 503})


class TemplateStatus:
    """For one account's templates, one by one."""

    def __init__(self, account: "Account", services: Services, now: Callable[[], float] = time) -> None:
        self._account, self._http, self._now = account, services.http, now
        self._tokens = Tokens(account, services, now)

    def ask(self, template: "Template") -> "News | NotListed":
        if template.id is None:
            return NotListed("unknown", "its id is not known")
        fields = {
            "phoneNumber": self._account.waba_number,
            "templateName": template.bsp_name,
            "templateId": template.id,
            "templateLang": template.bsp_language,
        }
        left = int(self._now())
        try:
            answer = self._asked(*encode_multipart_formdata(fields))
        except NoToken as error:
            is_refused = isinstance(error.outcome, Rejected)
            return NotListed("permission" if is_refused else "later", "no token from Message Central")
        except (NotReached, AnswerLost, TooLarge) as error:
            return NotListed("later", f"no answer from Message Central: {error}")
        news = of_entry(answer.json(), left, SOURCE) if answer.status == 200 else None
        if news is None or (news.name, news.language) != (template.bsp_name, template.language):
            return _no_template(answer)
        # CleverTap may have another spelling than Message Central, which makes names of its own.
        return news._replace(name=template.name)

    def _asked(self, body: bytes, content_type: str) -> Answer:
        """With another token if the first is refused. Raises `NoToken`, and what a request raises."""
        url = f"{self._account.provider.base_url}{_PATH}"
        ask = partial(self._http.request, "GET", url, body)
        token = self._tokens.get()
        while True:
            answer = ask({"authToken": token, "content-type": content_type})
            if not answers.refuses_token(answer) or (answers.wordless(answer) and not self._tokens.may_renew(token)):
                return answer
            token = self._tokens.renew(token)


def _no_template(answer: Answer) -> NotListed:
    code, _ = answers.said(answer)
    if code is None:
        is_passing = answer.status in (408, 429) or answer.status >= 500
        reason = f"HTTP {answer.status} without Message Central's answer"
        return NotListed("later" if is_passing else "unknown", reason, answer.retry_after)
    reason = f"Message Central's error {code}"
    if code in _LATER:
        return NotListed("later", reason, answer.retry_after)
    if code in _MISSING:
        return NotListed("missing", reason)
    return NotListed("permission" if code == _NO_SENDER else "unknown", reason)
