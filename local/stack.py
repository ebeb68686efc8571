"""The whole deployment on this machine."""

import os
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from local import TEMPLATE, queues
from local.accounts import Accounts, check_accounts, read_accounts, with_sandbox
from local.aws import ACCOUNT_ID, CREDENTIALS, LocalAws
from local.gateway import Gateway
from local.poller import Poller
from local.queues import QueueConsumer
from local.runtime import FunctionError, FunctionPool
from local.sandbox.bsp import BspSandbox
from local.sandbox.bsps import SANDBOXES
from local.sandbox.clevertap import CleverTapSandbox
from local.simulation import rules
from local.template import Deployment, EventSource, Schedule, read_template
from local.web import LoopbackServer
from ops.running import Running

NAME = "local"
REGION = "eu-west-1"
HTTP_CONCURRENCY = 4
"""Processes of a function behind the HTTP API."""
QUEUE_CONCURRENCY = 2
"""Processes of a function for each of its queues, so that one full queue cannot block the other."""
_WAITING_REQUESTS = 64
_SCHEDULED = b'{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}'


class Stack:
    """A context manager that serves from entry to exit.

    `accounts` (account name -> account JSON) default to the sample accounts; with `sandbox` their missing URLs become
    the sandbox's. Queues run `speed` times as fast as the wall clock. Functions' output goes to `log_path`, or to
    stderr with `verbose`.

    Raises `AccountsFileInvalid`, `TemplateError`, `FunctionError` on entry if one of these is invalid.
    """

    def __init__(
        self,
        accounts: Accounts | None = None,
        *,
        port: int = 0,
        speed: float = 1.0,
        sandbox: bool = True,
        verbose: bool = False,
        template: Path = TEMPLATE,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self._given = read_accounts() if accounts is None else accounts
        self._port, self._with_sandbox, self._verbose = port, sandbox, verbose
        self._template, self._parameters = template, dict(parameters or {})
        self._exit = ExitStack()
        self.aws = LocalAws(REGION, speed)
        self.accounts: Accounts = {}
        self.deployment: Deployment
        self.log_path: Path | None = None
        self._server: LoopbackServer
        self._pools: dict[str, FunctionPool] = {}
        self._pollers: list[Poller] = []
        self._requests: ThreadPoolExecutor
        self._ended = threading.Event()
        self.bsps: dict[str, BspSandbox] = {}
        """By provider type; empty without a sandbox."""
        self._clevertap: CleverTapSandbox | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._exit = stack
            self._start()
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def aws_url(self) -> str:
        return self.aws.url

    @property
    def running(self) -> Running:
        """Where `bridge --local` finds it."""
        table = self.deployment.tables["MessagesTable"].name
        bucket = self.deployment.buckets["PayloadsBucket"]
        queue_urls = {logical_id: queue.url for logical_id, queue in self.deployment.queues.items()}
        signing_key = self.deployment.functions["SendFunction"].environment["SIGNING_KEY_SECRET"]
        return Running(self.url, self.aws_url, REGION, f"{NAME}/accounts/", table, bucket, queue_urls, signing_key)

    def bsp(self, provider_type: str) -> Any:
        """The sandbox of a provider type; Any, because what people can do differs from BSP to BSP."""
        if not self.bsps:
            raise RuntimeError("the stack runs without a sandbox")
        return self.bsps[provider_type]

    @property
    def clevertap(self) -> CleverTapSandbox:
        if self._clevertap is None:
            raise RuntimeError("the stack runs without a sandbox")
        return self._clevertap

    def invoke(self, function: str, event: bytes) -> bytes:
        """Run a function (logical id) on an event (JSON) and return its answer. Raises `FunctionError`."""
        return self._pools[function].invoke(event)

    def kill(self, function: str) -> int:
        """SIGKILL the function's processes; the next invocation starts a new one. Returns their number."""
        return self._pools[function].kill()

    def queue_depths(self) -> dict[str, int]:
        """Messages of each queue (logical id): visible, delayed and in flight."""
        return {
            logical_id: queues.depth(ACCOUNT_ID, REGION, queue.name)
            for logical_id, queue in self.deployment.queues.items()
        }

    def log_tail(self, lines: int = 40) -> str:
        """The last lines that the functions wrote."""
        if self.log_path is None:
            return ""
        return "\n".join(self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _start(self) -> None:
        self._exit.enter_context(self.aws)
        self.deployment = self._read_template(self._parameters)
        self._start_http()
        # Again, now with the address for links.
        self.deployment = self._read_template({"PublicUrl": self._server.url, **self._parameters})
        self._prepare_accounts()
        self.aws.deploy(self.deployment)
        for name, account in self.accounts.items():
            self.aws.add_account(NAME, name, account)
        self._start_functions()
        self._start_pollers()
        # Last, so that no request is served before everything exists; the port is known since `_start_http`.
        self._server.start()
        self._start_schedules()

    def _read_template(self, parameters: Mapping[str, str]) -> Deployment:
        return read_template(
            self._template,
            stack=NAME,
            region=REGION,
            account_id=ACCOUNT_ID,
            aws_url=self.aws.url,
            parameters=parameters,
        )

    def _start_http(self) -> None:
        self._requests = ThreadPoolExecutor(_WAITING_REQUESTS, thread_name_prefix="requests")
        self._exit.callback(self._requests.shutdown, cancel_futures=True)
        self._server = Gateway(self.deployment, self._invoke_for_gateway).serve(self._port)
        self._exit.callback(self._server.stop)

    def _invoke_for_gateway(self, function: str, event: bytes, seconds: float) -> bytes:
        # The service stops waiting at its own limit, while the function continues.
        return self._requests.submit(self.invoke, function, event).result(seconds)

    def _prepare_accounts(self) -> None:
        self.accounts = self._given
        if self._with_sandbox:
            self._clevertap = self._exit.enter_context(CleverTapSandbox())
            self.bsps = {kind: self._exit.enter_context(made(self._kms)) for kind, made in SANDBOXES.items()}
            self.accounts = with_sandbox(self._given, self.bsps, self._clevertap)
        check_accounts(self.accounts)
        for name, account in self.accounts.items():
            if bsp := self.bsps.get(account["provider"]["type"]):
                bsp.add_account(name, account, self._server.url)

    def _kms(self, region: str) -> Any:
        return self.aws.client("kms", region)

    def _start_functions(self) -> None:
        output = self._open_log()
        environment = {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.url,
            # The functions must not use this machine's own configuration.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        account = threading.Semaphore(rules.ACCOUNT_CONCURRENCY)
        behind_http = {route.function for route in self.deployment.routes}
        for logical_id, function in self.deployment.functions.items():
            sources = [source for source in self.deployment.event_sources if source.function == logical_id]
            limit = sum(map(_concurrency, sources)) + (HTTP_CONCURRENCY if logical_id in behind_http else 0)
            layers = os.pathsep.join(str(self.deployment.layers[layer]) for layer in function.layers)
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function.name}"
            self._pools[logical_id] = FunctionPool(
                function,
                {**environment, "PYTHONPATH": layers, "AWS_SDK_UA_APP_ID": logical_id},
                max(1, limit),
                arn=arn,
                output=output,
                account=account,
            )
            self._exit.callback(self._pools[logical_id].close)
        # Start one process of each function behind the HTTP API before the first request.
        with ThreadPoolExecutor() as starting:
            list(starting.map(lambda logical_id: self._pools[logical_id].warm(), sorted(behind_http)))

    def _open_log(self) -> BinaryIO | None:
        if self._verbose:
            return None
        directory = self._exit.enter_context(tempfile.TemporaryDirectory(prefix="whatsapp-bridge-"))
        self.log_path = Path(directory) / "functions.log"
        return self._exit.enter_context(self.log_path.open("ab", buffering=0))

    def _start_pollers(self) -> None:
        for source in self.deployment.event_sources:
            queue = self.deployment.queue_by_arn(source.queue_arn)
            consumer = QueueConsumer(ACCOUNT_ID, REGION, queue.name, queue.visibility_timeout, self.aws.clock)
            invoke = self._pools[source.function].invoke
            concurrency = _concurrency(source)
            poller = Poller(source, queue, consumer, invoke, self.aws.clock, region=REGION, concurrency=concurrency)
            self._pollers.append(poller)
            poller.start()
        self._exit.callback(self._end_work)

    def _start_schedules(self) -> None:
        """Each rule calls its function for the first time when its interval is over."""
        for schedule in self.deployment.schedules:
            work = threading.Thread(target=self._call_again, args=(schedule,), name=schedule.function, daemon=True)
            self._exit.callback(work.join)
            work.start()
        # It must be set before the threads are waited for.
        self._exit.callback(self._ended.set)

    def _call_again(self, schedule: Schedule) -> None:
        while not self._ended.wait(self.aws.clock.wall_seconds(schedule.seconds)):
            # What it says of an error is in the functions' log.
            with suppress(FunctionError):
                self.invoke(schedule.function, _SCHEDULED)

    def _end_work(self) -> None:
        # Processes end first, so that running batches fail immediately and the pollers end.
        for poller in self._pollers:
            poller.close()
        for pool in self._pools.values():
            pool.close()
        for poller in self._pollers:
            poller.join()


def _concurrency(source: EventSource) -> int:
    """How many batches of an event source run at once on this machine."""
    return min(QUEUE_CONCURRENCY, source.maximum_concurrency or QUEUE_CONCURRENCY)
