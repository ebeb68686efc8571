"""The bridge's flows in this process: moto for AWS, one clock for everything, a scripted BSP and CleverTap.

`World` runs what the functions run, hands queue messages out as Lambda's event source mappings do, and can kill an
invocation at any step: a step is the moment before or after a call to AWS, the BSP or CleverTap.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import botocore.session
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber

from local import queues as local_queues
from local.aws import create_resources
from local.sandbox.bsp import BspSandbox
from local.simulation import internet, rules
from local.simulation.sqs import event_record, receive_batch
from local.template import Deployment, EventSource, read_template
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.accounts.keys import AccountKeys, read_signing_keys
from whatsapp_bridge.clevertap.answers import Answer as CleverTapAnswer
from whatsapp_bridge.flows.receive import Acknowledgement
from whatsapp_bridge.flows.records import process_batch, process_fifo
from whatsapp_bridge.flows.wiring import (
    Outside,
    build_accept,
    build_dispatch,
    build_forward,
    build_import_templates,
    build_receive,
    build_show_media,
    build_templates,
)
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, OutOfTime, TooLarge
from whatsapp_bridge.net.limits import USUAL, WHILE_IMPORTING, WHILE_SENDING, Patience
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback
from whatsapp_bridge.runtime.breaker import MOST_AT_ONCE
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.leases import Leases
from whatsapp_bridge.store.notes import StoredNotes
from whatsapp_bridge.store.once import Once

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
START = 1_700_000_000.0
_TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
BSP_URL = "https://bsp.example"
CLEVERTAP_URL = "https://clevertap.example/"
PUBLIC_URL = "https://bridge.example"
STATUS_URL = CLEVERTAP_URL + "status?a=1"
INCOMING_URL = CLEVERTAP_URL + "incoming?a=1"
TOKEN = "t" * 40
SIGNING_KEY = (ROOT / "events" / "signing-key.json").read_text(encoding="utf-8")
"""The stack's secret."""
CLIENTS = {"secrets": "secretsmanager", "sqs": "sqs", "dynamodb": "dynamodb", "s3": "s3"}
"""The world's own AWS clients, by their names in it."""
BASIC = {"authorization": "Basic dXNlcjphLWxvbmctcGFzc3dvcmQ="}


class Killed(BaseException):
    """The process is gone: nothing that an `except Exception` could see."""


def account(**changes: Any) -> dict[str, Any]:
    """The secret of a Clickatell account on this world's endpoints."""
    return {
        "waba_number": "27999000001",
        "clevertap": {
            "authorization": [{"type": "basic", "username": "user", "password": "a-long-password"}],
            "status_url": STATUS_URL,
            "incoming_url": INCOMING_URL,
        },
        "callback_token": TOKEN,
        "provider": {"type": "clickatell", "api_key": "secret-api-key", "base_url": BSP_URL},
        "options": {},
    } | changes


def keys_of(name: str = "acme", signing_key: str = SIGNING_KEY) -> AccountKeys:
    """What an account of the world has from the stack's secret."""
    return AccountKeys(name, read_signing_keys(signing_key))


def account_of(name: str, secret: Any) -> Account:
    """An account as the world's functions read it."""
    return parse_account(name, secret).with_keys(keys_of(name))


def signing_key(*keys: str) -> str:
    """The stack's secret with these keys, the first one first."""
    first, *others = keys
    return json.dumps({"key": first, "other_keys": others} if others else {"key": first})


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _deployment() -> Deployment:
    aws_url = f"https://sqs.{REGION}.amazonaws.com"
    return read_template(ROOT / "template.yaml", stack="test", region=REGION, account_id=ACCOUNT_ID, aws_url=aws_url)


@dataclass
class Http:
    """Takes the place of `HttpClient`: requests go to functions, and may take time. `before` and `after` may kill."""

    world: "World"
    requests: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Those of `requests`, one by one."""
    taken: list[tuple[str, Any]] = field(default_factory=list)
    """Those that were answered with a 2xx."""
    fetched: list[str] = field(default_factory=list)
    """The addresses of the files that were fetched."""

    ends: float = inf
    """When (the world's time) the invocation ends."""
    takes: Callable[[str], float] = lambda url: 0
    """How long (seconds) a request to this address takes."""
    patience: Patience = USUAL

    def with_patience(self, patience: Patience) -> "Http":
        """Another function's client: with an end of its own, and the same peers. Its requests are among these."""
        return replace(self, ends=inf, takes=lambda url: self.takes(url), patience=patience)

    def leaving_time_for_a_request(self) -> AbstractContextManager[None]:
        """Preparing takes no time here."""
        return nullcontext()

    def end_in(self, seconds: float) -> None:
        self.ends = self.world.now + seconds

    def seconds_left(self) -> float:
        return self.ends - self.world.now

    def has_time_for_a_request(self) -> bool:
        return self.seconds_left() >= self.patience.request + self.patience.record

    def post_json(self, url: str, payload: Any, headers: Any = None) -> Answer:
        return self._exchange("POST", url, json.loads(json.dumps(payload)), headers)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        """`bsp` and `clevertap` get the body as bytes, None where there is none."""
        whole = body if body is None or isinstance(body, bytes) else b"".join(body)
        return self._exchange(method, url, whole, headers)

    def fetch(self, url: str, *, max_bytes: int, headers: Any = None, loopback: bool = False) -> Answer:
        """A file of the internet: what `World.files` has at this address."""
        self.world.step(f"before GET {url.split('?')[0]}")
        self.fetched.append(url)
        answer = self.world.files(url, dict(headers or {}))
        self.world.step(f"after GET {url.split('?')[0]}")
        if isinstance(answer, Exception):
            raise answer
        if len(answer.body) > max_bytes:
            raise TooLarge("answer too large")
        return answer

    def _exchange(self, method: str, url: str, payload: Any, headers: Any) -> Answer:
        if not self.has_time_for_a_request():
            raise OutOfTime("no time left in this invocation")
        self.world.step(f"before {method} {url.split('?')[0]}")
        self.requests.append((url, payload))
        self.headers.append(dict(headers or {}))
        answer = self.world.answer(method, url, payload, dict(headers or {}))
        self.world.now += self.takes(url)
        if isinstance(answer, Answer) and 200 <= answer.status < 300:
            self.taken.append((url, payload))
        self.world.step(f"after {method} {url.split('?')[0]}")
        if isinstance(answer, Exception):
            raise answer
        return answer


def json_answer(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode())


def accept_all(url: str, payload: Any) -> Answer:
    """One API's answer to a batch that it takes whole."""
    accepted = [
        {
            "apiMessageId": f"api-{m['clientMessageId']}",
            "accepted": True,
            "to": m["to"],
            "clientMessageId": m["clientMessageId"],
        }
        for m in payload["messages"]
    ]
    return json_answer(202, {"messages": accepted, "error": None})


LOST = AnswerLost("ReadTimeout")
UNREACHED = NotReached("ConnectTimeout")
OK = json_answer(200, {})


class World:
    def __init__(self, accounts: dict[str, dict[str, Any]]) -> None:
        self.now = START
        self._armed = False
        self._lineage: rules.Lineage = {}
        """That of the invocation that runs."""
        self.steps: list[str] = []
        self.first_steps: set[int] = set()
        """The numbers (from 1) of the steps that an invocation starts with."""
        self.kill_at: int | None = None
        self.http = Http(self)
        self.fail: Callable[[str, Any], Exception | None] = lambda operation, parameters: None
        """Asked at each call to AWS in an invocation, with the operation's name and parameters: how it shall fail."""
        self.bsp: Callable[[str, Any], Answer | Exception] = accept_all
        self._sandbox: BspSandbox | None = None
        self.clevertap: Callable[[str, Any], Answer | Exception] = lambda url, payload: OK
        self.files: Callable[[str, dict[str, str]], Answer | Exception] = lambda url, headers: Answer(404, {}, b"")
        """The internet, by address and request headers."""
        self.secrets = self.client("secretsmanager")
        self.sqs, self.dynamodb, self.s3 = self.client("sqs"), self.client("dynamodb"), self.client("s3")
        self.deployment = _deployment()
        create_resources(
            self.deployment, {service: getattr(self, name) for name, service in CLIENTS.items()}.__getitem__
        )
        self.change_signing_key(SIGNING_KEY)
        for name, secret in accounts.items():
            self.put_account(name, secret)
        self._wire()

    # --- AWS -----------------------------------------------------------------------------------------------------

    def client(self, service: str, region: str = REGION) -> Any:
        """A client whose every call is two steps."""
        client = _session().create_client(
            service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.meta.events.register("before-parameter-build", self._fail)
        client.meta.events.register("before-call", lambda model, **_: self.step(f"before {model.name}"))
        client.meta.events.register("after-call", lambda model, **_: self.step(f"after {model.name}"))
        client.meta.events.register("before-call", self._trace)
        return client

    def url(self, logical_id: str) -> str:
        return self.deployment.queues[logical_id].url

    def put_account(self, name: str, secret: dict[str, Any]) -> None:
        self.secrets.create_secret(Name=f"test/accounts/{name}", SecretString=json.dumps(secret))

    def change_account(self, name: str, secret: dict[str, Any]) -> None:
        self.secrets.put_secret_value(SecretId=f"test/accounts/{name}", SecretString=json.dumps(secret))

    def change_signing_key(self, text: str) -> None:
        (secret,) = self.deployment.secrets.values()
        self.secrets.put_secret_value(SecretId=secret.name, SecretString=text)

    def forget_secrets(self, *flows: str) -> None:
        """These flows (all of those that read secrets, if none are named) are in new processes."""
        for flow in flows or ("accept", "receive", "show_media", "dispatch", "forward_replies", "forward_statuses"):
            made = getattr(self, flow)
            signing = made._signing if flow == "show_media" else made._accounts._signing
            signing._keys, signing._read_at = (), -inf
            if flow != "show_media":
                made._accounts._cache.clear()

    def _wire(self) -> None:
        """The flows as the functions build them, each from its own function's environment."""
        clients = {service: getattr(self, name) for name, service in CLIENTS.items()}

        def aws(service: str, region: str = REGION, *, hasty: bool = False) -> Any:
            return clients.get(service) or self.client(service, region)

        def outside(function: str) -> Outside:
            environ = {**self.deployment.functions[function].environment, "PUBLIC_URL": PUBLIC_URL}
            return Outside(
                environ,
                aws,
                now=lambda: self.now,
                clock=lambda: self.now,
                jitter=lambda: 0.5,
                pause=self._pause,
                hasty_http=lambda: hasty_http,
            )

        http = cast("HttpClient", self.http)
        hasty_http = cast("HttpClient", self.http.with_patience(WHILE_SENDING))
        importing_http = cast("HttpClient", self.http.with_patience(WHILE_IMPORTING))
        self.accept = build_accept(outside("SendFunction"))
        self.receive = build_receive(outside("IncomingFunction"))
        self.show_media = build_show_media(outside("MediaFunction"))
        self.import_templates = build_import_templates(importing_http, outside("ImportFunction")).show
        self.dispatch, self.conversation = build_dispatch(http, outside("DispatchFunction"))
        self.forward_replies, self.replies_source, self.forward_statuses = build_forward(
            http, outside("ForwardFunction")
        )
        self.templates = build_templates(http, outside("TemplatesFunction"))
        # What tests look at or change by hand.
        self.table = Table(next(iter(self.deployment.tables.values())).name, self.dynamodb, lambda: self.now)
        self.claims, self.waiting = self.dispatch._settling._claims, self.dispatch._settling._waiting
        self.breakers = self.dispatch._pacing._breakers
        self.leases, self.once, self.notes = Leases(self.table), Once(self.table), StoredNotes(self.table)

    def warm(self, *accounts: str) -> None:
        """The BSPs of these accounts have just taken messages of this process: it sends at full speed."""
        for name in accounts or ("acme",):
            for _ in range(MOST_AT_ONCE):
                self.breakers.succeeded(name)

    def _pause(self, seconds: float) -> None:
        self.now += seconds

    def _fail(self, model: Any, params: Any, **_: Any) -> None:
        error = self.fail(model.name, params) if self._armed else None
        if error is not None:
            raise error

    @contextmanager
    def played_by(self, sandbox: BspSandbox) -> Iterator[None]:
        """It answers in place of `bsp`, and makes no callbacks."""
        self._sandbox = sandbox
        try:
            yield
        finally:
            sandbox._server.stop()

    def answer(self, method: str, url: str, payload: Any, headers: dict[str, str]) -> Answer | Exception:
        if url.startswith(CLEVERTAP_URL):
            return self.clevertap(url, payload)
        if self._sandbox is None:
            return self.bsp(url, payload)
        body = payload if isinstance(payload, bytes) else b"" if payload is None else json.dumps(payload).encode()
        try:
            given = internet.ask(self._sandbox, method, url.removeprefix(BSP_URL), headers, body)
        except internet.Unanswered:
            return LOST
        return Answer(given.status, given.headers, given.body)

    # --- killing ---------------------------------------------------------------------------------------------------

    def step(self, name: str) -> None:
        if not self._armed:
            return
        self.steps.append(name)
        if self.kill_at == len(self.steps):
            raise Killed(name)

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """What happens in it is steps that may kill; a kill ends it and is over."""
        self._armed = True
        self.first_steps.add(len(self.steps) + 1)
        try:
            yield
        finally:
            self._armed = False

    # --- the routes ------------------------------------------------------------------------------------------------

    def send(self, body: Any, account: str = "acme", headers: dict[str, str] | None = None) -> CleverTapAnswer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._lineage = rules.next_link(rules.lineage_name("SendFunction"), [])
        with self.invocation():
            return self.accept(account, BASIC if headers is None else headers, raw)

    def callback(
        self,
        body: Any,
        account: str = "acme",
        token: str = TOKEN,
        source: str = "203.0.113.7",
        headers: Mapping[str, str] | None = None,
    ) -> Acknowledgement:
        """`headers` are those besides the content type: a BSP's proof."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent_with = {"content-type": "application/json", **(headers or {})}
        self._lineage = rules.next_link(rules.lineage_name("IncomingFunction"), [])
        with self.invocation():
            return self.receive(account, token, Callback("POST", sent_with, {}, raw, source))

    # --- recursive-loop detection ----------------------------------------------------------------------------------

    def _trace(self, params: dict[str, Any], **_: Any) -> None:
        """What botocore sends in an invocation carries its lineage."""
        if self._armed:
            params["headers"]["X-Amzn-Trace-Id"] = rules.write_lineage(_TRACE, self._lineage)

    def _refused_as_loop(self, function: str, received: Sequence[Mapping[str, Any]]) -> bool:
        headers = (message["Attributes"].get("AWSTraceHeader") for message in received)
        name = rules.lineage_name(function)
        self._lineage = rules.next_link(name, map(rules.read_lineage, headers))
        return rules.ends_chain(name, self._lineage, may_recurse=self.deployment.functions[function].may_recurse)

    # --- the queues ------------------------------------------------------------------------------------------------

    def pump(self, hours: float = 1) -> None:
        """Run the queues until they are empty; time jumps to where the next message is due, `hours` at the most."""
        end = self.now + hours * 3600
        while self.now < end:
            wait = self.run()
            if wait is None:
                return
            self.now += wait + 0.002

    def run(self) -> float | None:
        """Run what is due on the queues now; the seconds until the next message is, None when there is none."""
        while sum([self._poll(source) for source in self.deployment.event_sources]):
            pass
        due = [at for source in self.deployment.event_sources for at in self._due(source)]
        return max(min(due) - self.now, 0) if due else None

    def _due(self, source: EventSource) -> list[float]:
        """When (seconds) each message of a queue can be received."""
        queue = self.deployment.queue_by_arn(source.queue_arn)
        messages = get_backend("sqs")[ACCOUNT_ID][REGION].queues[queue.name]._messages
        due = [(message.group_id, max(message.visible_at, message.delayed_until) / 1000) for message in messages]
        if not queue.fifo:
            return [at for _, at in due]
        # A message in flight keeps its whole group back.
        return [max(at for other, at in due if other == group) for group, _ in due]

    def _poll(self, source: EventSource) -> bool:
        if all(at > self.now for at in self._due(source)):
            return False
        queue = self.deployment.queue_by_arn(source.queue_arn)
        url, received = queue.url, receive_batch(self.sqs, queue.url, source.batch_size)
        if not received:
            return False
        if self._refused_as_loop(source.function, received):
            # It never starts; the messages come back once their visibility is over, with one receive more.
            return True
        event = {"Records": [event_record(message, source.queue_arn, REGION) for message in received]}
        try:
            with self.invocation():
                answer = self._run(source, queue.fifo, event)
        except Killed:
            return True
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in received:
            if message["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _run(self, source: EventSource, fifo: bool, event: dict[str, Any]) -> Any:
        self.http.end_in(self.deployment.functions[source.function].timeout)
        if source.function == "TemplatesFunction":
            return process_batch(event, self.templates.many)
        if source.function == "DispatchFunction":
            if fifo:
                return process_fifo(event, self.conversation, self.dispatch.one)
            return process_batch(event, self.dispatch.many)
        if fifo:
            return process_fifo(event, self.replies_source, self.forward_replies)
        return process_batch(event, self.forward_statuses)

    def depth_of(self, url: str) -> int:
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(value) for name, value in attributes.items() if name.startswith("ApproximateNumberOfMessages"))

    def depth(self, logical_id: str) -> int:
        return self.depth_of(self.url(logical_id))

    def bodies(self, logical_id: str) -> list[dict[str, Any]]:
        """Take what is on a queue."""
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=self.url(logical_id), MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in found]
        return bodies

    def emptied(self, logical_id: str) -> list[dict[str, Any]]:
        """Take and delete what is on a queue: of a FIFO queue all of it, where `bodies` gets each group's first."""
        url, bodies = self.url(logical_id), []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    # --- what was received -------------------------------------------------------------------------------------------

    @property
    def sent_to_bsp(self) -> list[dict[str, Any]]:
        return [m for request in self.http.requests if request[0].startswith(BSP_URL) for m in messages_in(request)]

    @property
    def told(self) -> list[tuple[str, str]]:
        """(msgId, status) in the order CleverTap was told; only what it took."""
        return [(s["msgId"], s["status"]) for s in self.statuses]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [s for url, payload in self.http.taken if _path(url) == _path(STATUS_URL) for s in payload["statuses"]]

    @property
    def bsp_requests(self) -> list[tuple[str, Any, dict[str, str]]]:
        """URL, payload and headers."""
        sent = zip(self.http.requests, self.http.headers, strict=True)
        return [(url, payload, sent_with) for (url, payload), sent_with in sent if not url.startswith(CLEVERTAP_URL)]

    @property
    def replies(self) -> list[dict[str, Any]]:
        return [payload for url, payload in self.http.taken if _path(url) == _path(INCOMING_URL)]

    def sent_by_id(self) -> Counter[str]:
        return Counter(message["clientMessageId"] for message in self.sent_to_bsp)


def messages_in(request: tuple[str, Any]) -> list[dict[str, Any]]:
    """The messages that a request to the BSP sends; none are in one that uploads a file or gets one."""
    _, payload = request
    return list(payload.get("messages", [])) if isinstance(payload, dict) else []


def _path(url: str) -> str:
    return url.split("?")[0]


@contextmanager
def world(**accounts: dict[str, Any]) -> Iterator[World]:
    """A world with these accounts, `acme` with the sample secret if none are named."""
    with ExitStack() as stack:
        clock = _WorldClock()
        stack.enter_context(mock_aws())
        stack.enter_context(local_queues.installed(clock))
        stack.enter_context(patch.object(BotocoreStubber, "process_request", _one_at_a_time))
        clock.world = made = World(accounts or {"acme": account()})
        yield made


class _WorldClock(local_queues.QueueClock):
    world: World | None = None

    def now_ms(self) -> float:
        return (self.world.now if self.world else START) * 1000


_process_request = BotocoreStubber.process_request


def _one_at_a_time(stubber: BotocoreStubber, request: Any) -> Any:
    header = request.headers.get("X-Amzn-Trace-Id")
    # moto's conditional writes are not atomic under threads.
    with local_queues.LOCK, local_queues.traced(header.decode() if isinstance(header, bytes) else header):
        return _process_request(stubber, request)


# --- sample payloads --------------------------------------------------------------------------------------------------


def template(msg_id: str = "1|2|3|4", to: str = "+27820000001", **changes: Any) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": to,
        "wabaNumber": "27999000001",
        "isTemplate": True,
        "msgId": msg_id,
        "template": {"namespace": "order_update", "languageCode": "en"},
        "components": [
            {"type": "body", "body": {"text": "Hi Ann", "parameters": [{"type": "text", "text": "Ann"}]}},
            {
                "type": "button",
                "index": 0,
                "subType": "quickReply",
                "buttonText": "Yes",
                "parameters": [{"type": "payload", "payload": "pay|yes"}],
            },
        ],
    } | changes


def freeform(msg_id: str = "9|9|9|9", to: str = "+27820000001", text: str = "hello", **changes: Any) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": to,
        "wabaNumber": "+27999000001",
        "isTemplate": False,
        "msgId": msg_id,
        "type": "text",
        "text": {"body": text},
    } | changes


def status_update(
    msg_id: str | None, code: int, *, api_id: str = "api-1", at: int = 1_700_000_100_000
) -> dict[str, Any]:
    update = {
        "channel": "whatsapp",
        "timestamp": at,
        "statusCode": code,
        "status": "X",
        "messageId": api_id,
        "clientMessageId": msg_id,
    }
    return {"integrationId": "i", "integrationName": "n", "event": {"messageStatusUpdate": [update]}}


def mo_text(
    text: str = "a reply", *, mo_id: str = "mo-1", sender: str = "27820000001", **changes: Any
) -> dict[str, Any]:
    message = {
        "channel": "whatsapp",
        "messageId": mo_id,
        "relatedMessageId": None,
        "relatedClientMessageId": None,
        "from": sender,
        "to": "27999000001",
        "timestamp": 1_700_000_200_000,
        "charset": None,
        "content": text,
        "whatsapp": {"profileName": "Ann"},
    } | changes
    return {"integrationId": "i", "integrationName": "n", "event": {"moText": [message]}}


def mo_media(
    caption: str | None = "look", *, mo_id: str = "mo-1", sender: str = "27820000001", **file: Any
) -> dict[str, Any]:
    """A file from a person, which One API has at an address of its own."""
    described = {
        "contentType": "image/png",
        "downloadUrl": f"{BSP_URL}/v1/media?fileId=file-1.png&source=client",
        "byteSize": 7,
        "fileName": "shelf.png",
    } | file
    (message,) = mo_text(mo_id=mo_id, sender=sender, caption=caption, files=[described])["event"]["moText"]
    del message["content"]
    return {"integrationId": "i", "integrationName": "n", "event": {"moMedia": [message]}}
