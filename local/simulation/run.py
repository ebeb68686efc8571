"""One run of a plan: the deployed flows between simulated sides, from the first message until everything is quiet."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote, urlsplit

import local.sandbox.meta
from local import TEMPLATE
from local.demo.messages import message_of, text_message
from local.sandbox.bsps import SANDBOXES
from local.sandbox.clevertap import CleverTapSandbox
from local.sandbox.files import File, FileHost
from local.simulation import rules, silence
from local.simulation.aws import Aws
from local.simulation.contents import PICTURE, WITHOUT_PICTURES, picture_name
from local.simulation.credentials import Credentials, Secrets
from local.simulation.dynamodb import Throughput
from local.simulation.facts import REFUSED, Arrived, Sent, Violation, credentials_of, msg_id, number_of, token
from local.simulation.functions import Failed, Functions, Invocation, Poller, Throttled
from local.simulation.internet import Answer, Callbacks, Internet, ask
from local.simulation.ledger import Ledger
from local.simulation.metrics import Datapoints
from local.simulation.plan import OLD_URLS, START, TEMPLATES, Event, Plan
from local.simulation.privacy import Private
from local.simulation.replies import words_of
from local.simulation.scheduler import Scheduler
from local.simulation.substitutes import substituted
from local.simulation.templates import Templates
from local.simulation.weather import Weather
from local.template import Deployment, Function, read_template
from whatsapp_bridge.flows.wiring import Outside, build_show_media
from whatsapp_bridge.providers.contract.inbound import Callback
from whatsapp_bridge.runtime import observability
from whatsapp_bridge.store.items import Table

STACK, REGION, ACCOUNT_ID = "simulated", "eu-west-1", "123456789012"
BRIDGE = "https://bridge.example"
_HORIZON = 16 * 86_400.0
_WRONG = {"password": "wrong", "value": "wrong"}
_API = "BridgeApi.Ref"
"""As `read_template` names an API that has no id."""


@dataclass
class Result:
    plan: Plan
    violations: list[Violation]
    figures: Counter[str] = field(default_factory=Counter)
    error: str = ""
    """What ended the run: an error of the simulation's own, or of the bridge's where nothing catches it."""

    @property
    def failed(self) -> bool:
        return bool(self.violations or self.error)


@cache
def deployment() -> Deployment:
    aws_url = f"https://sqs.{REGION}.amazonaws.com"
    return read_template(TEMPLATE, stack=STACK, region=REGION, account_id=ACCOUNT_ID, aws_url=aws_url)


def play(plan: Plan, log: Callable[[str], None] | None = None) -> Result:
    """Run a plan; `log` is given every step."""
    try:
        return Run(plan, log).play()
    except Exception as error:  # noqa: BLE001 - a run that breaks off is a finding
        import traceback

        return Result(plan, [], error="".join(traceback.format_exception(error)[-6:]))


class Run:
    def __init__(self, plan: Plan, log: Callable[[str], None] | None = None) -> None:
        self.plan, self._log = plan, log
        self._random = {
            name: Random(f"{name} {plan.seed}") for name in ("weather", "ids", "aws", "lambda", "callbacks")
        }
        self.scheduler = Scheduler(START)
        self.internet = Internet(self.scheduler)
        self.weather = Weather(plan, self.scheduler, self._random["weather"])
        self.data = Datapoints(self.scheduler.time)
        self.deployment = deployment()
        self.files = FileHost()
        self.sandboxes: dict[str, Any] = {}
        self.credentials: dict[str, Credentials] = {}
        """Of each account, at its BSP."""
        self.callbacks: list[Callbacks] = []
        self._sent: dict[int, Sent] = {}
        self._arrived: list[Arrived] = []
        self._person: Event | None = None
        """Who acts now, while a sandbox makes the callback."""
        self._act = "reply"
        self._answers: dict[int, int | None] = {}
        """Of each message from a person: the message that it answers."""
        self._unproven: list[Violation] = []
        """Requests that were taken, though what proves who calls was wrong."""

    # --- the world -------------------------------------------------------------------------------------------------

    def play(self) -> Result:
        fetched = patch.object(local.sandbox.meta, "_fetched", self._fetched)
        with substituted(self.scheduler, self._random["ids"], self.internet), fetched, self._observed():
            try:
                self._build()
                for event in self.plan.events:
                    self.scheduler.start(partial(self._happen, event), after=event.at)
                self.scheduler.start(self._sample)
                self.scheduler.run(START + _HORIZON)
                return self._result()
            finally:
                self.scheduler.close()

    def _build(self) -> None:
        scheduler = self.scheduler
        self.aws = Aws(scheduler.time, self._random["aws"], self.deployment, self.weather, self.data)
        self.functions = Functions(
            scheduler, self._random["lambda"], self.deployment, self._outside, self.data, self.weather.has_room
        )
        self.weather.functions = self.functions
        self.secrets = Secrets(lambda name, text: self.aws.secrets.put(f"{STACK}/accounts/{name}", text))
        self.internet.effect = self.weather.effect
        self.clevertap = CleverTapSandbox()
        clevertap_host = urlsplit(self.clevertap.url).netloc
        self.internet.hosts[clevertap_host] = partial(ask, self.clevertap)
        self.weather.hosts[clevertap_host] = "clevertap"
        self.internet.hosts["files.example"] = self._file
        self.accounts = {name: self._account(name, dict(account)) for name, account in self.plan.accounts.items()}
        for name, account in self.accounts.items():
            for arn in (account["provider"].get("encryption") or {}).values():
                self.aws.kms.create(arn)
            self.secrets.write(name, account)
        self.private = Private(self.plan, self.accounts)
        self._let_operators_err()
        self.pollers = {
            source.queue_arn: Poller(scheduler, self.functions, self.deployment, source, self.aws.sqs)
            for source in self.deployment.event_sources
        }
        self.aws.on_send = self._wake
        self.templates = Templates(
            self.plan, scheduler, self.functions, self.sandboxes, self.accounts, self._count_failed_request
        )
        (messages,) = self.aws.dynamodb.tables
        self.templates.begin(Table(messages, self.aws.client("dynamodb"), scheduler.time))
        for table in self.aws.dynamodb.tables.values():
            table.lag = self.weather.index_lag
            table.throughput = Throughput.of_a_new_table()
            table.throughput.full = self.weather.table_is_full
            table.throughput.throttled = partial(self.aws.count_throttled, table.name)
        self.aws.sqs.trace = self._trace
        # Far more often than SQS, which calls it rare; and not so often that copies of copies fill long outages.
        self.aws.sqs.harshness.twice = self.plan.twice / 40
        self.aws.sqs.harshness.undead = self.plan.twice / 100
        self.aws.sqs.harshness.disorder = self.plan.spread
        self.aws.sqs.harshness.old_counts = rules.COUNTS_AGE

    def _let_operators_err(self) -> None:
        """What plans have done to secrets by hand, until it is mended."""
        call = self.scheduler.call
        for fault in self.plan.faults:
            if fault.name == "broken secret":
                call(partial(self.secrets.put_in_comma, fault.of), after=fault.start)
                call(partial(self.secrets.take_out_comma, fault.of), after=fault.end)
            elif fault.name == "credential rotated":
                call(partial(self._rotate, fault.target), after=fault.start)
                call(partial(self._write_secret, fault.target), after=fault.end)

    def _rotate(self, name: str) -> None:
        self.credentials[name].rotate()
        if hasattr(self.sandboxes[name], "revoke_tokens"):
            self.sandboxes[name].revoke_tokens()

    def _write_secret(self, name: str) -> None:
        account = self.accounts[name]
        self.secrets.write(name, {**account, "provider": self.credentials[name].rotated(account["provider"])})

    def _account(self, name: str, account: dict[str, Any]) -> dict[str, Any]:
        """The account at a sandbox of its own."""
        sandbox = SANDBOXES[account["provider"]["type"]](lambda region: self.aws.kms, seed=self.plan.seed)
        account["provider"] = {**account["provider"], "base_url": sandbox.url}
        if account["provider"]["type"] == "gupshup":
            account["provider"]["templates_url"] = sandbox.url
        account["clevertap"] = {
            **account["clevertap"],
            "status_url": self.clevertap.status_url(name),
            "incoming_url": self.clevertap.incoming_url(name),
        }
        host = urlsplit(sandbox.url).netloc
        self.internet.hosts[host] = partial(self._ask_bsp, name)
        self.weather.hosts[host] = name
        callbacks = Callbacks(
            self.scheduler,
            self._random["callbacks"],
            self._call_back,
            partial(self._about, name),
            # Message Central's statuses find their message by the order in which they come.
            spread=0.01 if account["provider"]["type"] == "message_central" else self.plan.spread,
            twice=self.plan.twice,
        )
        self.callbacks.append(callbacks)
        sandbox._sender = callbacks  # type: ignore[assignment]
        sandbox.add_account(name, account, BRIDGE)
        self.sandboxes[name] = sandbox
        self.credentials[name] = Credentials(account["provider"], partial(self.weather.note_old_credential, name))
        return account

    def _ask_bsp(self, name: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sandbox, seen = self.sandboxes[name], self.credentials[name].seen
        known = len(sandbox._delivered)
        self.weather.elsewhere = True
        headers = {header: seen(value) for header, value in headers.items()}
        try:
            return ask(sandbox, method, seen(target), headers, seen(body.decode("latin-1")).encode("latin-1"))
        finally:
            self.weather.elsewhere = False
            now = self.scheduler.now
            self._arrived += [Arrived(now, name, delivered) for delivered in sandbox._delivered[known:]]

    def _about(self, name: str) -> tuple[Any, str]:
        if self._person is not None:
            return self._person, self._act
        return self.sandboxes[name]._delivered[-1], "status"

    def _file(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        status, content, given = self.files.answer(target, headers.get("if-none-match", ""))
        return Answer(status, content, {name.lower(): value for name, value in given})

    def _fetched(self, link: Mapping[str, Any]) -> File | None:
        """What Meta fetches itself."""
        return self.files.find(urlsplit(link["link"]).path)

    def _outside(self, function: Function) -> Outside:
        environ = {**function.environment, "PUBLIC_URL": BRIDGE}
        now, jitter = self.scheduler.time, self._random["ids"].random
        return Outside(environ, self.aws.client, now=now, clock=now, jitter=jitter, pause=self.scheduler.sleep)

    def _trace(self) -> str | None:
        owner = self.scheduler.owner
        return rules.write_lineage("Root=1-0-0", owner.lineage) if isinstance(owner, Invocation) else None

    def _wake(self, queue_arn: str) -> None:
        if (poller := self.pollers.get(queue_arn)) is not None:
            poller.wake()

    @contextmanager
    def _observed(self) -> Iterator[None]:
        """Metrics are an invocation's, and are lost with it; logs are shown where somebody asks for them."""

        def add(name: str, unit: Any, value: float) -> None:
            owner = self.scheduler.owner
            if isinstance(owner, Invocation):
                service = self.deployment.functions[owner.function].environment["POWERTOOLS_SERVICE_NAME"]
                owner.counted.append((name, {"service": service}, value))

        def of_account(name: str, account: str) -> None:
            owner = self.scheduler.owner
            if isinstance(owner, Invocation):
                function = self.deployment.functions[owner.function]
                dimensions = {"service": function.environment["POWERTOOLS_SERVICE_NAME"], "account": account}
                # Written at once, so that it outlives the invocation.
                self.data.add(function.environment["POWERTOOLS_METRICS_NAMESPACE"], name, dimensions, 1)

        def written(level: str) -> Callable[..., None]:
            def write(message: str, extra: Mapping[str, Any] | None = None, **_: Any) -> None:
                function = getattr(self.scheduler.owner, "function", "")
                self.private.read(function, message, extra)
                if self._log is not None:
                    self._log(
                        f"{self.scheduler.now - START:12.3f} {function:18} {level:7} {message} {dict(extra or {})}"
                    )

            return write

        log = observability.logger
        with (
            patch.object(observability.metrics, "add_metric", add),
            patch.object(log, "info", written("info")),
            patch.object(log, "warning", written("warning")),
            patch.object(log, "error", written("error")),
            _counting_accounts(of_account),
        ):
            yield

    # --- the sides -------------------------------------------------------------------------------------------------

    def _happen(self, event: Event) -> None:
        match event.kind:
            case "template" | "template with a file" | "text":
                self._clevertap_sends(event)
            case "deployment":
                self.functions.deploy()
            case "redrive":
                self._redrive()
            case "templates due" | "list breaks off" | "list is whole" | "import":
                self.templates.happen(event)
            case "template changes":
                self._person, self._act = event, "notice"
                try:
                    self.templates.happen(event)
                finally:
                    self._person = None
            case _:
                self._person_acts(event)

    def _clevertap_sends(self, event: Event) -> None:
        sent = self._sent[event.number] = Sent(event)
        message = self._message(event)
        for again in event.repeats:
            self.scheduler.start(partial(self._post_message, event, sent, message), after=again)
        # CleverTap repeats what was not answered.
        for wait in (1.0, 10.0, 60.0, 0.0):
            if self._post_message(event, sent, message) in ("success", "failure", REFUSED):
                return
            self.scheduler.sleep(wait)

    def _post_message(self, event: Event, sent: Sent, message: dict[str, Any]) -> str:
        body = json.dumps(message).encode()
        wrong = self.weather.of_caller("clevertap", "wrong credentials")
        headers = credentials_of(self.accounts[event.account], **({} if wrong is None else _WRONG))
        if self._is_throttled():
            sent.answers.append("HTTP 429")
            return sent.answers[-1]
        try:
            answer = self.functions.invoke("SendFunction", lambda process: process.run(event.account, headers, body))
            said = str(json.loads(answer[1]).get("status")) if answer[0] == 200 else f"HTTP {answer[0]}"
        except (Failed, Throttled) as error:
            self._count_failed_request()
            said = type(error).__name__
        if wrong is not None and said == "failure":
            self.weather.note(wrong)
            said = REFUSED
        elif wrong is not None and said == "success":
            self._unproven.append(Violation("false", f"message {event.number} was accepted with wrong credentials"))
        sent.answers.append(said)
        if said == "success" and sent.accepted is None:
            sent.accepted = self.scheduler.now
        return said

    def _message(self, event: Event) -> dict[str, Any]:
        waba_number = str(self.accounts[event.account]["waba_number"])
        words = token(event.number)
        if event.kind == "text":
            return text_message(msg_id(event), event.to, waba_number, f"hello {words}")
        name_of_template = TEMPLATES[0]
        components: list[dict[str, Any]] = [
            {
                "type": "body",
                "body": {"text": f"Order {words}.", "parameters": [{"type": "text", "text": words}]},
            }
        ]
        if event.kind == "template with a file" and self._provider(event.account) not in WITHOUT_PICTURES:
            name = picture_name(event.number)
            address = f"http://files.example{self.files.put(File(PICTURE, 'image/png', name))}"
            components.insert(0, {"type": "header", "header": {"type": "image", "image": {"mediaURL": address}}})
            if event.account in self.templates.of:
                name_of_template = TEMPLATES[1]
        return message_of(
            msg_id(event),
            event.to,
            waba_number,
            isTemplate=True,
            template={"namespace": name_of_template, "languageCode": "en(UK)"},
            components=components,
        )

    def _provider(self, account: str) -> str:
        return str(self.accounts[account]["provider"]["type"])

    def _person_acts(self, event: Event) -> None:
        sandbox = self.sandboxes[event.account]
        got = [arrived.delivered for arrived in self._arrived if arrived.account == event.account]
        of_person = [delivered for delivered in got if delivered.to == event.to]
        last = of_person[-1] if of_person else None
        words = words_of(event)
        self._person = event
        self._act = "click" if event.kind == "click" and last is not None else "reply"
        # A file is sent as an answer to nothing.
        answered = last if event.kind != "person sends a file" else None
        self._answers[event.number] = number_of(answered) if answered is not None else None
        try:
            if event.kind == "person taps" and last is not None and hasattr(sandbox, "person_taps_button"):
                sandbox.person_taps_button(last, 1, words)
            elif event.kind == "click" and last is not None:
                sandbox.person_opens_link(last, "https://shop.example/")
            elif event.kind == "person sends a file":
                sandbox.person_sends_media(event.account, event.to, PICTURE, "image/png", "me.png", words)
            else:
                sandbox.person_writes(event.account, event.to, words, in_reply_to=last)
        finally:
            self._person = None

    def _call_back(self, method: str, url: str, headers: dict[str, str], raw: bytes) -> int:
        """A BSP's callback; the status of the answer."""
        parts = urlsplit(url)
        account, kind, secret = (unquote(part) for part in parts.path.strip("/").split("/"))
        function = "StatusFunction" if kind == "status" else "IncomingFunction"
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        lowered = {name.lower(): value for name, value in headers.items()}
        callback = Callback(method, lowered, query, raw, "203.0.113.7")
        old = next(
            (self.weather.of_caller(account, name) for name, called in OLD_URLS.items() if called == function), None
        )
        if self._is_throttled():
            return 429
        if old is not None:
            secret = f"old-{secret}"
        try:
            status = int(self.functions.invoke(function, lambda process: process.run(account, secret, callback)).status)
        except (Throttled, Failed) as error:
            self._count_failed_request()
            return 503 if isinstance(error, Throttled) else 500
        if old is not None and status == 403:
            self.weather.note(old)
        elif old is not None and status == 200:
            self._unproven.append(Violation("false", f"a callback of {account} was acknowledged with an old token"))
        return status

    def _is_throttled(self) -> bool:
        """API Gateway answers 429, before a function runs."""
        place = self.weather.of_caller("api", "throttled")
        if place is None:
            return False
        self.weather.note(place)
        namespace = self.deployment.functions["SendFunction"].environment["POWERTOOLS_METRICS_NAMESPACE"]
        # The filter of its access log, which tests/test_template.py compares with the format of the log.
        self.data.add(namespace, "RequestsThrottled", {}, 1)
        return True

    def _count_failed_request(self) -> None:
        """API Gateway answers 5xx."""
        self.data.add("AWS/ApiGateway", "5xx", {"ApiId": _API}, 1)

    def _redrive(self) -> None:
        for queue in self.deployment.queues.values():
            policy = queue.attributes.get("RedrivePolicy")
            if policy:
                self.aws.sqs.start_message_move_task(SourceArn=policy["deadLetterTargetArn"], DestinationArn=queue.arn)
                self._wake(queue.arn)

    def _sample(self) -> None:
        """SQS's metrics, each minute while anything is going on."""
        while True:
            self.aws.sample()
            if self.scheduler.next_due is None:
                return
            wait = max(60.0, self.scheduler.next_due - self.scheduler.now)
            self.scheduler.sleep(wait)

    # --- the end ---------------------------------------------------------------------------------------------------

    def _result(self) -> Result:
        posted = [posted for callbacks in self.callbacks for posted in callbacks.posted]
        ledger = Ledger(
            providers={name: account["provider"]["type"] for name, account in self.accounts.items()},
            sent=self._sent,
            arrived=self._arrived,
            posted=posted,
            hosts=self.weather.hosts,
            answers=self._answers,
            exchanges=self.internet.exchanges,
            faults=self.plan.faults,
            encrypted={name for name, account in self.accounts.items() if account["provider"].get("encryption")},
            interrupted=self._interrupted(),
            opened=self._opened,
        )
        violations = [*ledger.violations(), *self._left_over(ledger), *self.templates.violations()]
        violations += [*self.private.violations(), *self._unproven]
        violations += silence.unheard(self._troubles(ledger), self.deployment.alarms, self.data)
        figures = Counter(
            {
                "conversations": len(self._sent),
                "calls": sum(sum(service.calls.values()) for service in self.aws.services),
                "requests": len(self.internet.exchanges),
                "faults": sum(map(len, self.weather.strikes.values())),
                "kills": sum(
                    self.functions.counts[f"{name} {how}"]
                    for name in self.deployment.functions
                    for how in ("killed", "out of memory", "timeout")
                ),
            }
        )
        return Result(self.plan, violations, figures)

    def _opened(self, link: str) -> bytes | None:
        """The file that somebody gets who opens a link of the bridge's."""
        parts = urlsplit(link)
        account, _, identifier = parts.path.strip("/").partition("/media/")
        media = build_show_media(self._outside(self.deployment.functions["MediaFunction"]))
        location = media(account, identifier, dict(parse_qsl(parts.query))).location
        stored = self.aws.client("s3").opened(location) if location else None
        return stored.content if stored else None

    def _interrupted(self) -> set[int]:
        """The messages that dispatch had in hand when it died, and whose outcome is unknown."""
        (table,) = self.aws.dynamodb.tables.values()
        dispatch = [invocation for invocation in self.functions.died if invocation.function == "DispatchFunction"]
        in_hand = {item for invocation in dispatch for item, _, _ in invocation.writes}
        return {
            number
            for number, sent in self._sent.items()
            for item in [f"msg#{sent.event.account}#{msg_id(sent.event)}"]
            if item in in_hand and table.items.get(item, {}).get("state") == {"S": "unknown"}
        }

    def _left_over(self, ledger: Ledger) -> Iterator[Violation]:
        for queue in self.deployment.queues.values():
            left = list(self.aws.sqs.queues[queue.url].messages.values())
            if queue.logical_id == "QuarantineQueue":
                left = [message for message in left if not ledger.nobody_knows(json.loads(message.body))]
            if left:
                yield Violation("lost", f"{len(left)} messages are left on {queue.logical_id}")
        for name, _ in self.aws.sqs.lost:
            yield Violation("lost", f"a message expired on {name}")
        if self.clevertap.violations:
            yield Violation("false", f"CleverTap does not understand {self.clevertap.violations[0]}")

    def _troubles(self, ledger: Ledger) -> Iterator[silence.Trouble]:
        """What an operator must hear of."""
        yield from silence.of_faults(self.plan.faults, self.weather.strikes)
        died = [(invocation.function, invocation.ended or 0.0) for invocation in self.functions.died]
        yield from silence.of_functions(died, self.functions.throttled)
        for queue in self.deployment.queues.values():
            if "RedrivePolicy" not in queue.attributes:
                lost = [
                    message.sent_at + rules.MAX_RETENTION for name, message in self.aws.sqs.lost if name == queue.name
                ]
                arrivals = self.aws.sqs.queues[queue.url].arrivals
                yield from silence.of_queue(queue.logical_id.removesuffix("Queue"), arrivals, lost)
        yield from silence.of_stops(ledger.waits())
        yield from silence.of_failures(ledger.failures())


@contextmanager
def _counting_accounts(of_account: Callable[[str, str], None]) -> Iterator[None]:
    import sys
    from contextlib import ExitStack

    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("whatsapp_bridge") and hasattr(module, "count_of_account"):
                stack.enter_context(patch.object(module, "count_of_account", of_account))
        yield
