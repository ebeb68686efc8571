"""Builds the flows from the functions' environment.

Each builder imports only what its function needs: `send` starts without what `dispatch` uses. The tests build the same
flows with their own `Outside`.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, NamedTuple

from whatsapp_bridge.runtime import settings
from whatsapp_bridge.runtime.schedules import system_jitter
from whatsapp_bridge.store import queues
from whatsapp_bridge.store.aws import client

if TYPE_CHECKING:
    from whatsapp_bridge.flows.accept import Accept
    from whatsapp_bridge.flows.comparing import Comparing
    from whatsapp_bridge.flows.dispatch import Dispatch
    from whatsapp_bridge.flows.forward_replies import ForwardReplies
    from whatsapp_bridge.flows.forward_statuses import ForwardStatuses
    from whatsapp_bridge.flows.import_templates import ImportTemplates
    from whatsapp_bridge.flows.known_templates import KnownTemplates
    from whatsapp_bridge.flows.receive import Receive
    from whatsapp_bridge.flows.records import FifoSource
    from whatsapp_bridge.flows.show_media import ShowMedia
    from whatsapp_bridge.flows.template_keeping import TemplateKeeping
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.contract.client import Services
    from whatsapp_bridge.store.accounts import Accounts
    from whatsapp_bridge.store.budget import Budget
    from whatsapp_bridge.store.notes import StoredNotes
    from whatsapp_bridge.store.signing import SigningKey
    from whatsapp_bridge.store.templates import Registry


@cache
def _hasty_http() -> "HttpClient":
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.net.limits import WHILE_SENDING

    return HttpClient(patience=WHILE_SENDING)


class Outside(NamedTuple):
    """The environment of a process. `now`: seconds since 1970; `clock`: monotonic seconds; `jitter`: 0 to 1; `pause`
    waits for so many seconds."""

    environ: Mapping[str, str] = os.environ
    aws: Callable[..., Any] = client
    """A client of an AWS service, by the service's name and the region (the function's by default); `hasty` for calls
    that a message does not wait for."""
    now: Callable[[], float] = time
    clock: Callable[[], float] = monotonic
    jitter: Callable[[], float] = system_jitter
    pause: Callable[[float], None] = sleep
    hasty_http: "Callable[[], HttpClient]" = _hasty_http
    """A client for requests that end in half a second."""


_PROCESS = Outside()


def build_accept(outside: Outside = _PROCESS) -> "Accept":
    from whatsapp_bridge.flows.accept import Accept

    env = settings.SendSettings.read(outside.environ)
    sqs = outside.aws("sqs")

    @cache
    def comparing() -> "Comparing":
        return _comparing(env, outside)

    if outside.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        # A snapshot is made once, and each start from it has what is in it.
        comparing().prepare()

    return Accept(
        accounts=_accounts(env.account_secret_prefix, outside, env.signing_key_secret, _for_strangers(outside)),
        conversation=queues.ConversationQueue(env.conversation_queue_url, sqs),
        campaign=queues.CampaignQueue(env.campaign_queue_url, sqs),
        comparing=comparing,
    )


def _comparing(env: settings.SendSettings, outside: Outside) -> "Comparing":
    from whatsapp_bridge.flows.comparing import Comparing

    return Comparing(_known_templates(env.messages_table, outside, hasty=True), outside.hasty_http, outside.now)


def _known_templates(table: str, outside: Outside, *, hasty: bool) -> "KnownTemplates":
    from whatsapp_bridge.flows.known_templates import KnownTemplates

    @cache
    def registry() -> "Registry":
        from whatsapp_bridge.store.items import Table
        from whatsapp_bridge.store.templates import Registry

        return Registry(Table(table, outside.aws("dynamodb", hasty=hasty), outside.now))

    return KnownTemplates(registry, outside.now)


def build_receive(outside: Outside = _PROCESS) -> "Receive":
    from whatsapp_bridge.flows.quarantine import Quarantine
    from whatsapp_bridge.flows.receive import Receive
    from whatsapp_bridge.store.payloads import Payloads

    env = settings.ReceiveSettings.read(outside.environ)
    sqs = outside.aws("sqs")
    payloads = Payloads(env.payloads_bucket, partial(outside.aws, "s3"))
    quarantine = queues.QuarantineQueue(env.quarantine_queue_url, sqs)
    return Receive(
        accounts=_accounts(env.account_secret_prefix, outside, env.signing_key_secret, _for_strangers(outside)),
        replies=queues.RepliesQueue(env.replies_queue_url, sqs),
        statuses=queues.StatusesQueue(env.statuses_queue_url, sqs),
        templates=queues.TemplatesQueue(env.templates_queue_url, sqs),
        quarantine=Quarantine(queue=quarantine, payloads=payloads, now=outside.now),
        payloads=payloads,
        now=outside.now,
    )


def build_show_media(outside: Outside = _PROCESS) -> "ShowMedia":
    from whatsapp_bridge.flows.show_media import ShowMedia
    from whatsapp_bridge.store.media import MediaStore

    env = settings.MediaSettings.read(outside.environ)
    media = MediaStore(env.payloads_bucket, partial(outside.aws, "s3"))
    signing = _signing_key(env.signing_key_secret, outside)
    return ShowMedia(signing=signing, media=media, days=env.media_ttl_days, now=outside.now)


class ImportParts(NamedTuple):
    """`public_url` is the bridge's own address."""

    show: "ImportTemplates"
    public_url: str


def build_import_templates(http: "HttpClient", outside: Outside = _PROCESS) -> ImportParts:
    from whatsapp_bridge.flows.import_templates import ImportTemplates
    from whatsapp_bridge.store.items import Table
    from whatsapp_bridge.store.templates import Imports, Registry, Syncs

    env = settings.ImportSettings.read(outside.environ)
    table = Table(env.messages_table, outside.aws("dynamodb"), outside.now)
    show = ImportTemplates(
        accounts=_accounts(env.account_secret_prefix, outside, budget=_for_strangers(outside)),
        registry=Registry(table),
        syncs=Syncs(table),
        imports=Imports(table),
        http=http,
        now=outside.now,
    )
    return ImportParts(show, env.public_url)


class DispatchParts(NamedTuple):
    """`conversation` is the queue from which `dispatch` takes freeform messages one by one."""

    dispatch: "Dispatch"
    conversation: "FifoSource"


def build_dispatch(http: "HttpClient", outside: Outside = _PROCESS) -> DispatchParts:
    from whatsapp_bridge.flows.claiming import Claiming
    from whatsapp_bridge.flows.dispatch import Dispatch
    from whatsapp_bridge.flows.handing_on import HandingOn
    from whatsapp_bridge.flows.known_templates import KnownTemplates
    from whatsapp_bridge.flows.pacing import Pacing
    from whatsapp_bridge.flows.preparing import Preparing
    from whatsapp_bridge.flows.recent import RecentSending
    from whatsapp_bridge.flows.recording import Recording
    from whatsapp_bridge.flows.records import FifoSource
    from whatsapp_bridge.flows.sending import Sending
    from whatsapp_bridge.flows.settling import Settling
    from whatsapp_bridge.flows.template_questions import TemplateQuestions
    from whatsapp_bridge.store.breakers import Breakers
    from whatsapp_bridge.store.claims import Claims
    from whatsapp_bridge.store.items import Table
    from whatsapp_bridge.store.notes import StoredNotes
    from whatsapp_bridge.store.templates import Questions, Registry
    from whatsapp_bridge.store.waiting import Waiting

    env = settings.DispatchSettings.read(outside.environ)
    sqs = outside.aws("sqs")
    table = Table(env.messages_table, outside.aws("dynamodb"), outside.now)
    waiting, notes = Waiting(table, env.message_ttl_days), StoredNotes(table)
    claims, known = Claims(table, env.message_ttl_days), Registry(table)
    recording = Recording(time_left=http.seconds_left, pause=outside.pause)
    claiming = Claiming(claims=claims, recording=recording)
    settling = Settling(
        claims=claims,
        waiting=waiting,
        statuses=queues.StatusesQueue(env.statuses_queue_url, sqs),
        retry=env.dispatch_retry,
        recording=recording,
        jitter=outside.jitter,
        now=outside.now,
    )
    services = _services(http, notes, outside)
    templates = TemplateQuestions(
        known=KnownTemplates(lambda: known, outside.now),
        registry=known,
        questions=Questions(table),
        http=http,
        services=services,
        now=outside.now,
    )
    dispatch = Dispatch(
        accounts=_accounts(env.account_secret_prefix, outside, env.signing_key_secret),
        preparing=Preparing(http=http, templates=templates),
        pacing=Pacing(breakers=Breakers(table, "bsp"), http=http, jitter=outside.jitter, now=outside.now),
        claiming=claiming,
        sending=Sending(
            claiming=claiming, waiting=waiting, recent=RecentSending(notes=notes, now=outside.now), now=outside.now
        ),
        settling=settling,
        campaign=queues.CampaignQueue(env.campaign_queue_url, sqs),
        campaign_dead_letters=queues.CampaignDeadLetters(env.campaign_dead_letter_queue_url, sqs),
        services=services,
        longest=env.dispatch_retry.limit,
        handing_on=HandingOn(time_left=http.seconds_left, now=outside.now),
        now=outside.now,
    )
    conversation = queues.ConversationQueue(env.conversation_queue_url, sqs)
    dead_letters = queues.ConversationDeadLetters(env.conversation_dead_letter_queue_url, sqs)
    return DispatchParts(dispatch, FifoSource(conversation, dead_letters, outside.now))


class ForwardParts(NamedTuple):
    """`source` is the queue from which `replies` takes messages from people one by one."""

    replies: "ForwardReplies"
    source: "FifoSource"
    statuses: "ForwardStatuses"


def build_forward(http: "HttpClient", outside: Outside = _PROCESS) -> ForwardParts:
    from whatsapp_bridge.flows.callbacks import Callbacks
    from whatsapp_bridge.flows.confirmations import Confirmations
    from whatsapp_bridge.flows.forward_replies import ForwardReplies
    from whatsapp_bridge.flows.forward_statuses import ForwardStatuses
    from whatsapp_bridge.flows.handing_on import HandingOn
    from whatsapp_bridge.flows.people_files import PeopleFiles
    from whatsapp_bridge.flows.people_without_number import PeopleWithoutNumber
    from whatsapp_bridge.flows.post_statuses import PostStatuses
    from whatsapp_bridge.flows.quarantine import Quarantine
    from whatsapp_bridge.flows.recent import RecentReturns, RecentSending
    from whatsapp_bridge.flows.recording import Recording
    from whatsapp_bridge.flows.records import FifoSource
    from whatsapp_bridge.flows.reports import Reports
    from whatsapp_bridge.flows.status_requeue import StatusRequeue
    from whatsapp_bridge.store.breakers import Breakers
    from whatsapp_bridge.store.claims import Claims
    from whatsapp_bridge.store.items import Table
    from whatsapp_bridge.store.leases import Leases
    from whatsapp_bridge.store.media import MediaStore
    from whatsapp_bridge.store.notes import StoredNotes
    from whatsapp_bridge.store.once import Once
    from whatsapp_bridge.store.payloads import Payloads
    from whatsapp_bridge.store.waiting import Waiting

    env = settings.ForwardSettings.read(outside.environ)
    sqs, s3 = outside.aws("sqs"), partial(outside.aws, "s3")
    table = Table(env.messages_table, outside.aws("dynamodb"), outside.now)
    waiting, once, notes = Waiting(table, env.message_ttl_days), Once(table), StoredNotes(table)
    claims = Claims(table, env.message_ttl_days)
    accounts = _accounts(env.account_secret_prefix, outside, env.signing_key_secret)
    payloads = Payloads(env.payloads_bucket, s3)
    quarantine_queue = queues.QuarantineQueue(env.quarantine_queue_url, sqs)
    quarantine = Quarantine(queue=quarantine_queue, payloads=payloads, now=outside.now)
    people_queue = queues.PeopleQuarantineQueue(env.people_quarantine_queue_url, sqs)
    people_without_number = PeopleWithoutNumber(
        quarantine=Quarantine(queue=people_queue, payloads=payloads, now=outside.now), notes=notes
    )
    files = PeopleFiles(
        store=MediaStore(env.payloads_bucket, s3),
        public_url=env.public_url,
        days=env.media_ttl_days,
        notes=notes,
        retry=env.forward_retry,
        jitter=outside.jitter,
        now=outside.now,
    )
    callbacks = Callbacks(http=http, breakers=Breakers(table, "clevertap"))
    recording = Recording(time_left=http.seconds_left, pause=outside.pause)
    dead_letters = queues.RepliesDeadLetters(env.replies_dead_letter_queue_url, sqs)
    replies = ForwardReplies(
        accounts=accounts,
        claims=claims,
        once=once,
        dead_letters=dead_letters,
        quarantine=quarantine,
        people_without_number=people_without_number,
        payloads=payloads,
        files=files,
        retry=env.forward_retry,
        callbacks=callbacks,
        recording=recording,
        recent=RecentSending(notes=notes, now=outside.now),
        waiting=waiting,
        services=_services(http, notes, outside),
        jitter=outside.jitter,
        now=outside.now,
    )
    statuses_queue = queues.StatusesQueue(env.statuses_queue_url, sqs)
    retries = StatusRequeue(
        statuses=statuses_queue,
        dead_letters=queues.StatusesDeadLetters(env.statuses_dead_letter_queue_url, sqs),
        handing_on=HandingOn(time_left=http.seconds_left, now=outside.now),
        jitter=outside.jitter,
        now=outside.now,
    )
    returns = RecentReturns(notes=notes, now=outside.now)
    confirmations = Confirmations(
        claims=claims, waiting=waiting, retries=retries, callbacks=callbacks, returns=returns, now=outside.now
    )
    reports = Reports(claims=claims, leases=Leases(table), once=once)
    statuses = ForwardStatuses(
        accounts=accounts,
        claims=claims,
        waiting=waiting,
        reports=reports,
        post=PostStatuses(
            reports=reports, recording=recording, retries=retries, retry=env.forward_retry, callbacks=callbacks
        ),
        callbacks=callbacks,
        queue=statuses_queue,
        confirmations=confirmations,
        retries=retries,
        correlation_retry=env.correlation_retry,
        quarantine=quarantine,
        people_without_number=people_without_number,
        notes=notes,
        returns=returns,
        now=outside.now,
    )
    source = FifoSource(queues.RepliesQueue(env.replies_queue_url, sqs), dead_letters, outside.now)
    return ForwardParts(replies, source, statuses)


def build_templates(http: "HttpClient", outside: Outside = _PROCESS) -> "TemplateKeeping":
    from uuid import uuid4

    from whatsapp_bridge.flows.template_keeping import TemplateKeeping
    from whatsapp_bridge.flows.template_learning import TemplateLearning
    from whatsapp_bridge.flows.template_sync import TemplateSync
    from whatsapp_bridge.store.items import Table
    from whatsapp_bridge.store.notes import StoredNotes
    from whatsapp_bridge.store.templates import Registry, Syncs

    env = settings.TemplatesSettings.read(outside.environ)
    table = Table(env.messages_table, outside.aws("dynamodb"), outside.now)
    registry = Registry(table)
    return TemplateKeeping(
        accounts=_accounts(env.account_secret_prefix, outside),
        registry=registry,
        sync=TemplateSync(registry, Syncs(table), outside.now, lambda: uuid4().hex),
        learning=TemplateLearning(registry, outside.now, outside.pause),
        queue=queues.TemplatesQueue(env.templates_queue_url, outside.aws("sqs")),
        services=_services(http, StoredNotes(table), outside),
        interval=env.template_sync_minutes * 60,
        jitter=outside.jitter,
        now=outside.now,
    )


def _accounts(
    prefix: str, outside: Outside, signing_key: str | None = None, budget: "Budget | None" = None
) -> "Accounts":
    """Without a `signing_key`, for a function that makes nothing with it, they have no keys. A function that reads a
    queue needs no `budget`: what is there is of accounts that were there when it was put there."""
    from whatsapp_bridge.providers.accounts import parse_account
    from whatsapp_bridge.store.accounts import Accounts

    signing = None if signing_key is None else _signing_key(signing_key, outside)
    return Accounts(prefix, parse_account, outside.aws("secretsmanager"), outside.clock, signing=signing, budget=budget)


def _signing_key(name: str, outside: Outside) -> "SigningKey":
    from whatsapp_bridge.store.signing import SigningKey

    return SigningKey(name, outside.aws("secretsmanager"), outside.clock)


def _for_strangers(outside: Outside) -> "Budget":
    """For functions that anybody may call, with any name."""
    from whatsapp_bridge.store.budget import Budget

    # Enough for a name that was mistyped, and for BSPs that still call for accounts that are gone: each is asked for
    # twice a minute. A day of it costs a process 43,200 reads, a quarter of a dollar.
    return Budget(at_once=30, seconds=2, clock=outside.clock)


def _services(http: "HttpClient", notes: "StoredNotes", outside: Outside) -> "Callable[[], Services]":
    """What each client of a BSP may use; clients do not share fetched files."""
    from whatsapp_bridge.media.fetch import Files
    from whatsapp_bridge.providers.contract.client import Services
    from whatsapp_bridge.store.keys import KmsKeys

    keys = KmsKeys(partial(outside.aws, "kms"))
    return lambda: Services(http, keys, notes, Files(http))
