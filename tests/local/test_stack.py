import base64
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local import ROOT
from local.accounts import read_accounts
from local.aws import Call
from local.demo.messages import template_message
from local.sandbox import encryption
from local.stack import Stack
from tests.local import toy
from tests.support.bsp import Answer, Bsp, Request
from tests.support.world import mo_text, status_update

SPEED = 100


class Journal:
    """What the function behind the queue wrote down: a body and its receive count per line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal(tmp_path_factory.mktemp("journal") / "journal")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, journal: Journal) -> Iterator[Stack]:
    template = toy.write(tmp_path_factory.mktemp("toy"))
    with Stack(speed=SPEED, template=template, parameters={"Journal": str(journal.path)}) as made:
        yield made


def post(stack: Stack, what: str, body: str = "") -> requests.Response:
    return requests.post(f"{stack.url}/{what}", data=body, headers={"Content-Type": "text/plain"}, timeout=20)


def drained(stack: Stack, depths: dict[str, int]) -> bool:
    """Wait on the queues, whose every change wakes their condition."""
    from moto.sqs.models import sqs_backends

    from local.aws import ACCOUNT_ID
    from local.stack import REGION

    queue: Any = sqs_backends[ACCOUNT_ID][REGION].get_queue(stack.deployment.queues["Jobs"].name)
    with queue.changed:
        return bool(queue.changed.wait_for(lambda: stack.queue_depths() == depths, 20))


def test_from_http_to_a_function_on_aws(stack: Stack) -> None:
    answer = post(stack, "anything")
    assert answer.status_code == 200
    variables = answer.json()["environment"]
    assert variables["AWS_ENDPOINT_URL"] == stack.aws_url
    assert variables["JOBS_URL"].startswith(stack.aws_url)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        pytest.param("raise", 500, id="exception"),
        pytest.param("exit", 500, id="crash"),
        pytest.param("hang", 500, id="its own time-out"),
    ],
)
def test_a_failed_function_is_a_500(stack: Stack, what: str, status: int) -> None:
    answer = post(stack, what)
    assert (answer.status_code, answer.json()) == (status, {"message": "Internal Server Error"})


@pytest.mark.parametrize(
    ("body", "lines", "depths"),
    [
        pytest.param("fine", ["fine 1"], {"Jobs": 0, "JobsDead": 0}, id="done"),
        pytest.param("crash once", ["crash once 1", "crash once 2"], {"Jobs": 0, "JobsDead": 0}, id="crash, then done"),
        pytest.param("never", ["never 1", "never 2", "never 3"], {"Jobs": 0, "JobsDead": 1}, id="dead letter"),
    ],
)
def test_through_the_queue(stack: Stack, journal: Journal, body: str, lines: list[str], depths: dict[str, int]) -> None:
    assert post(stack, "enqueue", body).status_code == 200
    assert drained(stack, depths)
    assert [line for line in journal.lines if line.startswith(body)] == lines


def test_a_loop_ends_in_the_dead_letter_queue(stack: Stack, journal: Journal) -> None:
    stack.aws.client("sqs").purge_queue(QueueUrl=stack.deployment.queues["JobsDead"].url)
    post(stack, "enqueue", "again")
    assert drained(stack, {"Jobs": 0, "JobsDead": 1})
    assert [line for line in journal.lines if line.startswith("again")] == ["again 1"] * 16


def test_a_schedule_calls_its_function(stack: Stack, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    called, pool = threading.Event(), stack._pools["Tick"]
    invoke = pool.invoke

    def told(event: bytes) -> bytes:
        answer = invoke(event)
        called.set()
        return answer

    monkeypatch.setattr(pool, "invoke", told)
    assert called.wait(20)
    assert set(Journal(journal.path.with_suffix(".ticks")).lines) == {"tick aws.events"}


def test_kill_and_invoke(stack: Stack) -> None:
    event = b'{"what": "?"}'
    first = json.loads(json.loads(stack.invoke("Web", event))["body"])["pid"]
    assert stack.kill("Web") >= 1
    assert json.loads(json.loads(stack.invoke("Web", event))["body"])["pid"] != first


def test_observed_calls(stack: Stack) -> None:
    seen: list[tuple[str, Call]] = []
    with stack.aws.observed(lambda phase, call: seen.append((phase, call))):
        stack.aws.client("sqs").list_queues()
        post(stack, "enqueue", "seen")
    stack.aws.client("kms").list_keys()
    own, function = Call("sqs", "ListQueues"), Call("sqs", "SendMessage", "Web")
    assert [item for item in seen if item[1] in (own, function)] == [
        ("before", own),
        ("after", own),
        ("before", function),
        ("after", function),
    ]


def test_secrets_and_keys_of_accounts(stack: Stack) -> None:
    secrets = stack.aws.client("secretsmanager")
    secret = json.loads(secrets.get_secret_value(SecretId="local/accounts/acme-secure")["SecretString"])
    assert secret == stack.accounts["acme-secure"]
    assert secret["provider"]["base_url"] == stack.bsp("clickatell").url
    assert secret["clevertap"]["status_url"] == stack.clevertap.status_url("acme-secure")
    kms = stack.aws.client("kms")
    for arn in secret["provider"]["encryption"].values():
        data_key = kms.generate_data_key(KeyId=arn, KeySpec="AES_256")
        assert kms.decrypt(KeyId=arn, CiphertextBlob=data_key["CiphertextBlob"])["Plaintext"] == data_key["Plaintext"]


def run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return {int(line) for line in listed.stdout.split()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_line(tmp_path: Path, number: signal.Signals) -> None:
    accounts = read_accounts()
    for account in accounts.values():
        account["clevertap"] |= {"status_url": "http://127.0.0.1:9/s", "incoming_url": "http://127.0.0.1:9/i"}
        account["provider"]["base_url"] = "http://127.0.0.1:9"
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(accounts))
    process = run("--accounts", str(path), "--port", "0", "--no-sandbox", "--speed", "10")
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(2)]
    assert [line[0] for line in lines] == ["aws", "ready"]
    aws_url, url = (line[1] for line in lines)
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=aws_url,
        region_name="eu-west-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    names = {item["Name"] for item in secrets.list_secrets()["SecretList"]}
    assert names == {"local-SigningKey", *(f"local/accounts/{name}" for name in accounts)}
    assert requests.post(f"{url}/nobody/send", json={}, timeout=20).json()["error"]["code"] == 2000
    started = children(process.pid)
    assert started
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not {pid for pid in started if Path(f"/proc/{pid}").exists()}, "a function's process outlived the stack"


def test_command_line_names_the_account_at_fault(tmp_path: Path) -> None:
    accounts = read_accounts()
    accounts["acme"]["callback_token"] = "too-short"
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(accounts))
    process = run("--accounts", str(path))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: account acme: callback_token: ")
    assert "too-short" not in err


class Endpoint:
    """Somebody else's server: `answer` makes its answers, `take` waits for a request."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self._taken: queue.Queue[Request] = queue.Queue()
        self.server = Bsp(self._respond)

    def _respond(self, request: Request) -> Answer:
        self._taken.put(request)
        return self._answer(request)

    def take(self) -> Request:
        return self._taken.get(timeout=30)


def accept(request: Request) -> Answer:
    taken = [
        {"to": message["to"], "clientMessageId": message["clientMessageId"], "apiMessageId": "a1", "accepted": True}
        for message in request.json["messages"]
    ]
    return Answer(202, {"messages": taken, "error": None})


KEY_ARN = "arn:aws:kms:eu-central-1:999988887777:alias/{}"
ACCOUNT, MSG_ID, PERSON = "acme-secure", "1|2|3|4", "27821230002"


@contextmanager
def serving(path: Path, bsp_url: str, clevertap_url: str) -> Iterator[tuple[dict[str, Any], Any, str]]:
    """The encrypted sample account's secret with keys and endpoints elsewhere, a client of its KMS, and the bridge's
    URL."""
    secret = read_accounts()[ACCOUNT]
    secret["clevertap"] |= {"status_url": f"{clevertap_url}/status", "incoming_url": f"{clevertap_url}/incoming"}
    keys = {"mt_key_arn": KEY_ARN.format("mt"), "mo_key_arn": KEY_ARN.format("mo")}
    secret["provider"] |= {"base_url": bsp_url, "encryption": keys}
    path.write_text(json.dumps({ACCOUNT: secret}))
    process = run("--accounts", str(path), "--no-sandbox", "--speed", "50")
    try:
        assert process.stdout is not None
        (_, aws_url), (_, url) = (process.stdout.readline().split() for _ in range(2))
        credentials = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        yield secret, boto3.client("kms", endpoint_url=aws_url, region_name="eu-central-1", **credentials), url
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_other_tools_endpoints_and_keys_elsewhere(tmp_path: Path) -> None:
    bsp, clevertap = Endpoint(accept), Endpoint(lambda request: Answer(200, {}))
    with (
        bsp.server,
        clevertap.server,
        serving(tmp_path / "accounts.json", bsp.server.url, clevertap.server.url) as (secret, kms, url),
    ):
        login = secret["clevertap"]["authorization"][0]
        sent = requests.post(
            f"{url}/{ACCOUNT}/send",
            json=template_message(MSG_ID, PERSON, secret["waba_number"]),
            headers={login["name"]: login["value"]},
            timeout=20,
        )
        assert (sent.status_code, sent.json()) == (200, {"status": "success"})
        request = bsp.take()
        assert (request.path, request.headers["authorization"]) == ("/v1/message", secret["provider"]["api_key"])
        (message,) = request.json["messages"]
        assert (message["to"], message["clientMessageId"]) == (PERSON, MSG_ID)
        blob = base64.b64decode(message["encryptionKey"])
        key = kms.decrypt(CiphertextBlob=blob, KeyId=KEY_ARN.format("mt"))["Plaintext"]
        parameters = message["template"]["body"]["parameters"]
        assert "Thandi" not in parameters.values()
        assert {number: encryption.decrypt(key, value) for number, value in parameters.items()} == {
            "1": "Thandi",
            "2": "Friday",
        }

        token = secret["callback_token"]
        status = requests.post(f"{url}/{ACCOUNT}/status/{token}", json=status_update(MSG_ID, 4), timeout=20)
        assert status.status_code == 200
        told = clevertap.take()
        assert told.path == "/status"
        assert [(item["msgId"], item["status"]) for item in told.json["statuses"]] == [(MSG_ID, "sent")]

        key, wrapped = encryption.new_data_key(lambda region: kms, KEY_ARN.format("mo"))
        callback = mo_text(
            encryption.encrypt(key, "yes please"),
            sender=PERSON,
            to=secret["waba_number"],
            relatedClientMessageId=MSG_ID,
            encryptionKey=wrapped,
            whatsapp={"profileName": encryption.encrypt(key, "Ann")},
        )
        reply = requests.post(f"{url}/{ACCOUNT}/incoming/{token}", json=callback, timeout=20)
        assert reply.status_code == 200
        told = clevertap.take()
        assert told.path == "/incoming"
        assert (told.json["from"], told.json["text"]) == (PERSON, {"body": "yes please"})
        assert told.json["context"] == {"id": MSG_ID}
