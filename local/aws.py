"""AWS on 127.0.0.1: moto's server in this process, with the resources of a deployment."""

import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local import queues
from local.callers import LocalHandler
from local.queues import QueueClock
from local.template import Deployment
from local.web import HOST

ACCOUNT_ID = DEFAULT_ACCOUNT_ID
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local"}

_SERVICES = ("sqs", "dynamodb", "s3", "kms", "secretsmanager")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:(?P<kind>key|alias)/(?P<id>[A-Za-z0-9/_-]+)")


@dataclass(frozen=True)
class Call:
    """A request to AWS: `caller` is the function (logical id) that makes it, '' for any other caller."""

    service: str
    operation: str
    caller: str = ""


type CallObserver = Callable[[str, Call], None]
"""Called with "before" and "after" and each call."""


class _Handler(LocalHandler, MotoRequestHandler):
    def log_request(self, *_: object) -> None:
        """No access log: nobody who runs the stack needs it."""


class LocalAws:
    """moto's endpoint for every service (`url`); queues run `speed` times as fast. A context manager."""

    def __init__(self, region: str = "eu-west-1", speed: float = 1.0) -> None:
        self.region = region
        self.clock = QueueClock(speed)
        self.observers: list[CallObserver] = []
        self._dispatcher = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[str, WSGIApplication] = {}
        self._installed = queues.installed(self.clock)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._closing = False

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._installed.__enter__()
        for service in _SERVICES:
            get_backend(service).reset()  # type: ignore[call-overload]
        self._server = make_server(HOST, 0, self._serve, threaded=True, request_handler=_Handler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._accept, name="aws", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._closing = True
        socket.create_connection((HOST, self._server.server_port)).close()
        self._thread.join()
        self._server.server_close()
        self._installed.__exit__(None, None, None)

    def _accept(self) -> None:
        assert self._server is not None
        # Not serve_forever, which wakes up twice a second and takes as long to stop.
        while not self._closing:
            self._server.handle_request()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://{HOST}:{self._server.server_port}"

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of the endpoint."""
        make_client: Any = boto3.client
        return make_client(
            service,
            region_name=region or self.region,
            endpoint_url=self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    @contextmanager
    def observed(self, observer: CallObserver) -> Iterator[None]:
        """Call `observer` for every call during the context."""
        self.observers.append(observer)
        try:
            yield
        finally:
            self.observers.remove(observer)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        call = _called(environ)
        self._observe("before", call)
        # One at a time: moto's conditional writes and message lists are not atomic under a threaded server.
        with queues.LOCK, queues.traced(environ.get("HTTP_X_AMZN_TRACE_ID")):
            answer = self._application(call.service, environ)(environ, start_response)
        self._observe("after", call)
        return answer

    def _application(self, service: str, environ: WSGIEnvironment) -> WSGIApplication:
        """moto's application of a service; moto itself would list its package's directories for every request."""
        if not service:
            return self._dispatcher
        if service not in self._applications:
            self._applications[service] = self._dispatcher.get_application(environ)
        return self._applications[service]

    def _observe(self, phase: str, call: Call) -> None:
        for observer in tuple(self.observers):
            observer(phase, call)

    def deploy(self, deployment: Deployment) -> None:
        create_resources(deployment, self.client)

    def add_account(self, stack: str, name: str, account: dict[str, Any]) -> None:
        """Store an account's secret, and create the KMS keys of its ARNs if they do not exist."""
        for arn in sorted(_key_arns(account)):
            self._ensure_key(arn)
        secrets = self.client("secretsmanager")
        secrets.create_secret(Name=f"{stack}/accounts/{name}", SecretString=json.dumps(account))

    def _ensure_key(self, arn: str) -> None:
        match = _KEY_ARN.fullmatch(arn)
        assert match is not None
        kms = self.client("kms", match["region"])
        if match["kind"] == "alias":
            alias = f"alias/{match['id']}"
            if not any(entry["AliasName"] == alias for entry in kms.list_aliases()["Aliases"]):
                kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
            return
        keys = get_backend("kms")[ACCOUNT_ID][match["region"]].keys
        if match["id"] not in keys:
            # KMS chooses key ids itself, but a configured ARN already has one.
            key = keys.pop(kms.create_key()["KeyMetadata"]["KeyId"])
            key.id, key.arn = match["id"], arn
            keys[key.id] = key


def create_resources(deployment: Deployment, client: Callable[[str], Any]) -> None:
    """Create the deployment's queues, tables, buckets and secrets with these clients."""
    sqs = client("sqs")
    # Dead-letter queues first: a redrive policy must name an existing queue.
    for queue in sorted(deployment.queues.values(), key=lambda queue: "RedrivePolicy" in queue.attributes):
        attributes = {name: _attribute(value) for name, value in queue.attributes.items()}
        sqs.create_queue(QueueName=queue.name, Attributes=attributes)
    dynamodb = client("dynamodb")
    for table in deployment.tables.values():
        dynamodb.create_table(**table.definition)
        if table.ttl_attribute:
            ttl = {"Enabled": True, "AttributeName": table.ttl_attribute}
            dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=ttl)
    s3 = client("s3")
    for bucket in deployment.buckets.values():
        # us-east-1 is the only region that S3 refuses as a location constraint.
        elsewhere = deployment.region != "us-east-1"
        location = {"CreateBucketConfiguration": {"LocationConstraint": deployment.region}} if elsewhere else {}
        s3.create_bucket(Bucket=bucket, **location)
    secrets = client("secretsmanager")
    for secret in deployment.secrets.values():
        secrets.create_secret(Name=secret.name, SecretString=secret.text(SystemRandom()))


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _key_arns(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {arn for item in value.values() for arn in _key_arns(item)}
    if isinstance(value, list):
        return {arn for item in value for arn in _key_arns(item)}
    return {value} if isinstance(value, str) and _KEY_ARN.fullmatch(value) else set()


def _called(environ: WSGIEnvironment) -> Call:
    """A signed request. S3's protocol has no names of operations, so the HTTP method is used."""
    scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].split(",")[0].split("/")
    service = scope[3] if len(scope) > 3 else ""
    target = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
    caller = re.search(r"\bapp/(\w+)", str(environ.get("HTTP_USER_AGENT", "")))
    return Call(service, target or str(environ.get("REQUEST_METHOD", "")), caller[1] if caller else "")
