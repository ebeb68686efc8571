"""forward: tell CleverTap what became of messages (`forward_statuses`) and what people write (`forward_replies`)."""

from whatsapp_bridge.flows.forward_replies import ForwardReplies
from whatsapp_bridge.flows.forward_statuses import ForwardStatuses
from whatsapp_bridge.flows.people_files import PeopleFiles
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.records import FifoSource
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.runtime.settings import ForwardSettings
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.keys import KeyService
from whatsapp_bridge.store.media import MediaStore
from whatsapp_bridge.store.messages import Messages
from whatsapp_bridge.store.notes import Notes
from whatsapp_bridge.store.payloads import Payloads
from whatsapp_bridge.store.queues import Queue


def from_environment(http: HttpClient) -> tuple[ForwardReplies, FifoSource, ForwardStatuses]:
    settings = ForwardSettings.read()
    accounts = Accounts(settings.account_secret_prefix, parse_account)
    messages = Messages(settings.messages_table, settings.message_ttl_days)
    notes = Notes(settings.messages_table)
    payloads = Payloads(settings.payloads_bucket)
    quarantine = Quarantine(Queue(settings.quarantine_queue_url), payloads)
    media = MediaStore(settings.payloads_bucket)
    files = PeopleFiles(media, settings.public_url, settings.media_ttl_days, notes, settings.forward_retry)
    source = FifoSource(Queue(settings.replies_queue_url), Queue(settings.replies_dead_letter_queue_url))
    replies = ForwardReplies(
        accounts,
        messages,
        source.dead_letters,
        quarantine,
        payloads,
        files,
        settings.forward_retry,
        http,
        KeyService(),
        notes,
    )
    statuses = ForwardStatuses(
        accounts,
        messages,
        Queue(settings.statuses_queue_url),
        Queue(settings.statuses_dead_letter_queue_url),
        quarantine,
        settings.forward_retry,
        settings.correlation_retry,
        http,
        notes,
    )
    return replies, source, statuses
