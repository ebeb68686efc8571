"""send: accept a message from CleverTap.

Authenticate, validate, translate once as a dry run (so that a message that WhatsApp or the BSP does not take is refused
here with a reason), put it on its queue, answer. On the warm path that is one AWS call, to the queue. What only
validates (a provider entry, a saved template) ends before the queue. A template message is compared with its template,
of which a process reads what is known once a minute.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic_core import to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap import answers
from whatsapp_bridge.clevertap.messages import (
    VALIDATION_MSG_ID,
    FreeformMessage,
    TemplateMessage,
    is_provider_validation,
    is_template_validation,
)
from whatsapp_bridge.clevertap.reading import InvalidMessage, NotJson, msg_id_in, parse_message
from whatsapp_bridge.flows.known_templates import Compared
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common import limits
from whatsapp_bridge.runtime.observability import count, log_failure, logger, shown_id
from whatsapp_bridge.store.accounts import Accounts, BeyondBudget
from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES, CampaignQueue, ConversationQueue, Entry, NotStored

if TYPE_CHECKING:
    from whatsapp_bridge.flows.comparing import Comparing

# Leaves room for the members that the queue message adds.
MAX_BODY_BYTES = MAX_MESSAGE_BYTES - 4_096

type Message = TemplateMessage | FreeformMessage


class Accept:
    """`comparing` makes what compares a message with its template, when it is first needed."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        conversation: ConversationQueue,
        campaign: CampaignQueue,
        comparing: "Callable[[], Comparing]",
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._accounts, self._conversation, self._campaign, self._new_id = accounts, conversation, campaign, new_id
        self._comparing = comparing

    def __call__(self, account_name: str, headers: Mapping[str, str], body: bytes) -> answers.Answer:
        """Answer CleverTap. Header names in lower case; `body` is the raw bytes."""
        try:
            return self._answer(account_name, headers, body)
        except Exception as error:  # noqa: BLE001 - any other failure is ours, and CleverTap gets a 500
            log_failure("message could not be accepted", error)
            return answers.SERVER_ERROR

    def _answer(self, account_name: str, headers: Mapping[str, str], body: bytes) -> answers.Answer:
        try:
            account = self._accounts.authenticated(account_name, headers)
        except BeyondBudget:
            # Not "invalid credentials", which would be said of a new account, too. This is no verdict, and unlike a 5xx
            # it takes no deployment back.
            return answers.TOO_MANY
        if account is None:
            count("InvalidCredentials")
            return answers.INVALID_CREDENTIALS
        try:
            return self._take(account, body)
        except NotJson:
            count("MessagesRefused")
            reason = "is not JSON, or nested too deep"
            _log_refused(account, body, "body", reason)
            return answers.BAD_REQUEST
        except (InvalidMessage, Refused) as error:
            count("MessagesRefused")
            _log_refused(account, body, error.field, error.reason)
            return answers.failure(error.code, f"{error.field}: {error.reason}")
        except NotStored as error:
            log_failure("message not queued", error, account=account.name)
            return answers.TOO_MANY if error.throttled else answers.SERVER_ERROR

    def _take(self, account: Account, body: bytes) -> answers.Answer:
        if len(body) > MAX_BODY_BYTES:
            raise InvalidMessage("body", f"is larger than {MAX_BODY_BYTES} bytes")
        message = parse_message(body, account.options.default_country)
        if is_provider_validation(message):
            return answers.SUCCESS
        if not account.has_number(message.waba_number):
            raise InvalidMessage("wabaNumber", "is not this account's number")
        reference = self._reference(message)
        message = self._checked(account, message, reference)
        if is_template_validation(message) and not account.options.send_template_validations:
            count("TemplatesValidated")
            logger.info("template validated, not sent", extra={"account": account.name})
            return answers.SUCCESS
        self._enqueue(account, message, reference)
        count("MessagesAccepted")
        return answers.SUCCESS

    def _checked(self, account: Account, message: Message, reference: str) -> Message:
        """The message, as its template needs it, if WhatsApp and the BSP take it, as far as that is known here. Raises
        `Refused`.

        The one place for that: what it refuses, CleverTap hears when a template is saved, not only with each message.
        """
        compared = Compared(message)
        if isinstance(message, TemplateMessage):
            limits.check(message)
            if account.options.template_checks == "on":
                comparing = self._comparing()
                compare = comparing.validated if is_template_validation(message) else comparing.compared
                compared = compare(account, message)
        compared.translated(reference, account)
        return compared.message

    def _reference(self, message: Message) -> str:
        # CleverTap validates all saved templates with the same msgId, which identifies neither messages nor statuses,
        # so each message gets its own reference.
        return f"{message.msg_id}#{self._new_id()}" if message.msg_id == VALIDATION_MSG_ID else message.msg_id

    def _enqueue(self, account: Account, message: Message, reference: str) -> None:
        job = {"account": account.name, "reference": reference, "message": message.wire()}
        raw = to_json(job)
        if len(raw) > MAX_MESSAGE_BYTES:
            raise InvalidMessage("body", "is too large after it is parsed")
        body = raw.decode()
        if isinstance(message, TemplateMessage):
            self._campaign.send(Entry(body, account.name))
            return
        # One person's messages keep their order; SQS drops a duplicate within five minutes.
        group = f"{account.name}.{account.keys.pseudonym(message.to)}"
        deduplication = sha256(f"{account.name}#{reference}".encode()).hexdigest()
        self._conversation.send(Entry(body, group, deduplication))


def _log_refused(account: Account, body: bytes, field: str, reason: str) -> None:
    """The only trace of a refused message: it gets no record."""
    keys = {"account": account.name, "msgId": None, "field": field, "reason": reason}
    if len(body) <= MAX_BODY_BYTES:
        keys["msgId"] = shown_id(msg_id_in(body))
    logger.info("message refused", extra=keys)
