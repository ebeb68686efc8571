"""An operator at the command line, on the stack of a `World`."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ops import command, queues
from ops.app import app
from ops.target import Target
from tests.support.world import REGION, World
from whatsapp_bridge.net.http import Answer

URL = "https://bridge.example"
RUN = CliRunner()


class Operator:
    """Runs commands without `--stack`. `http` takes the place of the command's client: requests to the bridge's own
    address go to the world's functions, others to `bsp`."""

    def __init__(self, made: World, patch: pytest.MonkeyPatch) -> None:
        self.world = made
        urls = {logical_id: queue.url for logical_id, queue in made.deployment.queues.items()}
        self.target = Target(
            "test",
            self._aws,
            "test/accounts/",
            made.table.name,
            URL,
            made.deployment.buckets["PayloadsBucket"],
            lambda: urls,
        )
        patch.setattr(command, "chosen", lambda *_: self.target)
        # The world's time moves only by hand.
        patch.setattr(queues, "WAIT_SECONDS", 0)
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []
        """Method, URL, body and headers of the requests beyond AWS."""
        self.bsp: Any = lambda method, url, body, headers: Answer(404, {}, b"")

    def _aws(self, service: str, region: str | None = None) -> Any:
        own = {"secretsmanager": self.world.secrets, "sqs": self.world.sqs, "dynamodb": self.world.dynamodb}
        return own.get(service) or self.world.client(service, region or REGION)

    def __call__(self, *arguments: str, answers: str | None = None) -> Result:
        # A message that was given back can be received from the next millisecond on.
        self.world.now += 0.01
        return RUN.invoke(app, list(arguments), input=answers)

    def told(self, *arguments: str) -> Any:
        """What the command says as JSON."""
        return json.loads(self(*arguments, "--json").stdout)

    # --- in place of the HTTP client ---------------------------------------------------------------------------------

    def post_json(self, url: str, payload: Any, headers: Any = None) -> Answer:
        return self.request("POST", url, json.dumps(payload).encode(), headers)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **_: Any) -> Answer:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        self.asked.append((method, url, body or b"", given))
        if not url.startswith(URL):
            answer: Answer = self.bsp(method, url, body or b"", given)
            return answer
        account, route, *token = url.removeprefix(f"{URL}/").split("/")
        if route == "send":
            sent = self.world.accept(account, given, body)
            return Answer(sent.status, {}, sent.body.encode())
        return self._callback(method, account, "".join(token), body or b"", given)

    def _callback(self, method: str, account: str, token: str, body: bytes, headers: dict[str, str]) -> Answer:
        from urllib.parse import parse_qsl

        from whatsapp_bridge.providers.contract.inbound import Callback

        token, _, query = token.partition("?")
        callback = Callback(method, headers, dict(parse_qsl(query)), body, "203.0.113.7")
        acknowledged = self.world.receive(account, token, callback)
        return Answer(acknowledged.status, {}, acknowledged.body.encode())
