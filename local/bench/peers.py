"""The functions' peers during a measurement: AWS, a BSP and CleverTap in one process, as light as possible.

Every answer is the smallest that its client accepts and needs no state: SQS stores nothing, DynamoDB meets every
condition, One API accepts every message. So the measured time is the function's own, and the call counts are exact.
`python -m local.bench.peers` serves until its standard input ends; see `Peers`.
"""

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.request import urlopen

from local import ROOT
from local.callers import refusal
from local.web import HOST

type Json = dict[str, Any]

CALLS_PATH = "/calls"
MESSAGE_PATH = "/v1/message"
MEDIA_PATH = "/v1/media"
WITHOUT_UPLOADS = "/without-uploads"
"""In front of the paths of a One API that takes no uploads."""
_MB = 1024 * 1024
# The ciphertext has 16 bytes of IV, and one of padding at least.
FILES = {"/files/large.pdf": 30 * _MB - 17, "/files/inline.pdf": 20 * _MB - 17}
"""The largest files that One API accepts from an account that encrypts, uploaded and in a message: their sizes."""


REGISTRY = "templates#account:acme-known"
"""The key of the registry's only scope, with which those of its parts begin."""
TEMPLATE: Json = {
    "name": "order_update",
    "language": "en",
    "id": "1",
    "bsp_name": "order_update",
    "bsp_language": "en",
    "status": "APPROVED",
    "category": "UTILITY",
    "content": {
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
            {"type": "BODY", "text": "Hello {{1}}, your order arrives on {{2}}. Is that fine?"},
            {
                "type": "BUTTONS",
                "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}, {"type": "QUICK_REPLY", "text": "Another day"}],
            },
        ],
        "parameter_format": "POSITIONAL",
    },
    "learnt": {aspect: [1700000000, "a listing"] for aspect in ("status", "category", "content")},
    "changes": [],
}
"""That of the sample event, as the registry stores it."""


class Answers:
    """Answers by AWS operation or path; `calls` counts them by `AmazonSQS.SendMessage`, `POST /v1/message`."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self._operations: dict[str, Callable[[Json], Json]] = {
            "AmazonSQS.SendMessage": self._send_message,
            "AmazonSQS.SendMessageBatch": self._send_message_batch,
            "secretsmanager.GetSecretValue": self._get_secret_value,
            "secretsmanager.BatchGetSecretValue": self._batch_get_secret_value,
            "secretsmanager.ListSecrets": lambda request: {"SecretList": [{"Name": name} for name in self.secrets]},
            "DynamoDB_20120810.UpdateItem": self._update_item,
            "DynamoDB_20120810.GetItem": lambda request: {},
            "DynamoDB_20120810.BatchGetItem": self._batch_get_item,
            "TrentService.GenerateDataKey": self._generate_data_key,
        }
        self._files = {path: b"%PDF-1.7\n".ljust(size, b"\0") for path, size in FILES.items()}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json | bytes]:
        """An HTTP status and a body, JSON or a file."""
        path = path.partition("?")[0]
        if path == CALLS_PATH:
            return 200, dict(self.calls)
        target = headers.get("x-amz-target", "")
        self.calls[target or f"{method} {path}"] += 1
        if target:
            operation = self._operations.get(target)
            return (200, operation(json.loads(body))) if operation else (400, {"__type": "UnknownOperationException"})
        if path in self._files:
            return 200, self._files[path]
        if path == MEDIA_PATH:
            return 201, {"fileId": f"{_md5(str(len(body)))}.pdf", "accepted": True, "error": None}
        if path == f"{WITHOUT_UPLOADS}{MEDIA_PATH}":
            return 404, b"<html></html>"
        if path in (MESSAGE_PATH, f"{WITHOUT_UPLOADS}{MESSAGE_PATH}"):
            return 202, {"messages": [_accepted(message) for message in json.loads(body)["messages"]]}
        return 200, {}

    def _send_message(self, request: Json) -> Json:
        return {"MessageId": "0", "MD5OfMessageBody": _md5(request["MessageBody"])}

    def _send_message_batch(self, request: Json) -> Json:
        taken = [
            {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": _md5(entry["MessageBody"])}
            for entry in request["Entries"]
        ]
        return {"Successful": taken, "Failed": []}

    def _get_secret_value(self, request: Json) -> Json:
        return {"Name": request["SecretId"], "SecretString": self.secrets[request["SecretId"]]}

    def _batch_get_secret_value(self, request: Json) -> Json:
        named = [name for name in request["SecretIdList"] if name in self.secrets]
        return {"SecretValues": [self._get_secret_value({"SecretId": name}) for name in named], "Errors": []}

    def _update_item(self, request: Json) -> Json:
        return {"Attributes": {**request["Key"], "rung": {"N": "0"}}}

    def _batch_get_item(self, request: Json) -> Json:
        """Of the registry of templates, what there is of the account that has one: each part has the template."""
        asked = {name: [key["pk"]["S"] for key in of["Keys"]] for name, of in request["RequestItems"].items()}
        found = {name: [_registered(key) for key in keys if key.startswith(REGISTRY)] for name, keys in asked.items()}
        return {"Responses": found, "UnprocessedKeys": {}}

    def _generate_data_key(self, request: Json) -> Json:
        plaintext, blob = bytes(range(32)), b"a data key in its encrypted form"
        return {
            "KeyId": request["KeyId"],
            "Plaintext": base64.b64encode(plaintext).decode(),
            "CiphertextBlob": base64.b64encode(blob).decode(),
        }


def _registered(key: str) -> Json:
    if key == REGISTRY:
        return {"pk": {"S": key}, "listed_at": {"N": "1700000000"}}
    held = base64.b64encode(zlib.compress(json.dumps([TEMPLATE]).encode())).decode()
    return {"pk": {"S": key}, "held": {"B": held}, "version": {"N": "1"}}


def _accepted(message: Json) -> Json:
    reference = message["clientMessageId"]
    return {
        "apiMessageId": _md5(reference),
        "clientMessageId": reference,
        "accepted": True,
        "to": message["to"],
        "error": None,
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, for requests with a Content-Length, as botocore and requests send them here."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        line, *fields = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        whole = end + 4 + int(headers.get("content-length", 0))
        if len(self._received) < whole:
            return
        request = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        method, path, _ = line.split(" ")
        status, payload = self._answer(method, path, headers, request)
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._transport.write(
            b"HTTP/1.1 %d \r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json | bytes]:
        port = self._transport.get_extra_info("sockname")[1]
        text = refusal(lambda name: headers.get(name.lower(), ""), port)
        return (403, text.encode()) if text else self._answers.answer(method, path, headers, body)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    answers = Answers()
    server = await loop.create_server(lambda: _Connection(answers), HOST, 0)
    print(f"http://{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    answers.secrets = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    await loop.run_in_executor(None, sys.stdin.read)


class Peers:
    """The process that plays the functions' peers; a context manager.

    `secrets` makes the values of Secrets Manager, by name, from the URL of this server.
    """

    def __init__(self, secrets: Callable[[str], Mapping[str, str]]) -> None:
        self._secrets = secrets
        self._process: subprocess.Popen[str]
        self.url = ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "local.bench.peers"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self._process.stdin.write(json.dumps(self._secrets(self.url)) + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def calls(self) -> Counter[str]:
        """How often each AWS operation and each other path has been called so far."""
        with urlopen(self.url + CALLS_PATH) as answer:
            return Counter(json.load(answer))


if __name__ == "__main__":
    asyncio.run(_serve())
