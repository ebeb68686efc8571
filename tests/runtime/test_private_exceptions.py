"""No exception shows a secret, a token or a link: not in its text, in a log, or in what Lambda prints of it."""

import ast
import importlib
import json
import logging
import pkgutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import format_exception
from types import ModuleType
from typing import Any

import botocore.exceptions
import pydantic
import pytest
import requests
import urllib3.exceptions
from awslambdaric.bootstrap import build_fault_result
from botocore.stub import Stubber

import whatsapp_bridge
from local.accounts import read_accounts
from tests.conftest import Log
from tests.providers.test_secrets import FIELDS, put, secret
from tests.support.bsp import Answer, Bsp, Fault, refusing_url
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.accounts.fields import Config
from whatsapp_bridge.net.http import AnswerLost, Forbidden, HttpClient, NotReached
from whatsapp_bridge.net.limits import Patience
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.client import KeyFailure
from whatsapp_bridge.runtime.observability import InvocationFailed, log_failure, observed
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.aws import client
from whatsapp_bridge.store.keys import KmsKeys
from whatsapp_bridge.store.queues import Entry, NotStored, Queue

SECRET = "Canary-7319"
LINK = f"https://user:{SECRET}@{SECRET.lower()}.example/{SECRET}?token={SECRET}#{SECRET}"
ROOT = Path(whatsapp_bridge.__path__[0])


def shows(text: str) -> bool:
    return SECRET.lower() in text.lower()


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(ROOT)], "whatsapp_bridge."):
        yield importlib.import_module(found.name)


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Exception)]
    return [one for one in dict.fromkeys(found) if one.__module__.startswith(module.__name__)]


OWN = [one for module in modules() for one in exceptions_of(module)]
FOREIGN = [
    *exceptions_of(urllib3.exceptions),
    *(one for one in vars(requests.exceptions).values() if isinstance(one, type) and issubclass(one, Exception)),
    *exceptions_of(botocore.exceptions),
    OSError,
    UnicodeDecodeError,
    json.JSONDecodeError,
    KeyError,
    ValueError,
    socket.gaierror,
]


def told(kind: type[Exception]) -> Exception:
    """One of this class that has a secret in all that it may have."""
    error = kind.__new__(kind)
    error.args = (LINK, {"token": SECRET})
    for name in ("reason", "field", "outcome", "url", "pool", "msg", "response", "answer", "fmt", "request", "value"):
        try:
            setattr(error, name, LINK)
        except (AttributeError, TypeError):
            continue  # It has no such thing.
    error.add_note(LINK)
    error.__cause__ = ValueError(LINK)
    return error


def test_there_are_classes_to_raise() -> None:
    names = {one.__name__ for one in OWN}
    assert {"AccountInvalid", "NotReached", "SettingInvalid", "SourceDead", "NoToken", "NotStored"} <= names
    assert {"ClientError", "ParamValidationError", "MaxRetryError", "InvalidURL"} <= {one.__name__ for one in FOREIGN}


@pytest.mark.parametrize("kind", [*OWN, *FOREIGN], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_lambda_prints_of_a_failed_invocation(
    kind: type[Exception], log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    error = told(kind)
    # So that this test cannot pass with nothing to show.
    assert shows(str(error.args))

    @observed
    def handler(event: dict[str, Any], context: Any) -> Any:
        raise error

    with pytest.raises(InvocationFailed) as raised:
        handler({"token": SECRET}, None)
    printed = build_fault_result((type(raised.value), raised.value, raised.value.__traceback__), None)
    assert (printed["errorType"], printed["errorMessage"]) == ("InvocationFailed", kind.__name__)
    assert not shows(json.dumps(printed))
    assert not shows("".join(format_exception(raised.value)))
    log_failure("something", error, account="acme")
    assert [entry["error"] for entry in log.entries] == [kind.__name__] * 2
    assert not shows(log.text + "".join(capsys.readouterr()))


def uses_of_texts() -> Iterator[tuple[str, str]]:
    """Where the layer takes the text of an exception that it has caught: the file, and the class."""
    for path in sorted(ROOT.rglob("*.py")):
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or handler.type is None:
                continue
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            if any(_takes_text(node, handler.name) for node in ast.walk(handler)):
                for kind in kinds:
                    yield path.relative_to(ROOT).as_posix(), ast.unparse(kind).rpartition(".")[2]


_TEXTS = {"args", "msg", "message", "doc", "object", "strerror", "filename", "request", "url"}


def _takes_text(node: ast.AST, name: str | None) -> bool:
    def is_it(value: ast.AST) -> bool:
        return isinstance(value, ast.Name) and value.id == name

    match node:
        case ast.FormattedValue(value=value):
            return is_it(value)
        case ast.Call(func=ast.Name(id="str" | "repr" | "format_exception" | "vars"), args=arguments):
            return any(map(is_it, arguments))
        case ast.Attribute(value=value, attr=attribute):
            return attribute in _TEXTS and is_it(value)
        case ast.Raise(cause=cause):
            return cause is not None and is_it(cause)
    return False


def test_only_texts_of_exceptions_of_the_layer_are_used() -> None:
    own = {one.__name__ for one in OWN}
    # That of `media.addresses.address`, which has no value: see tests/media/test_fetch.py.
    addresses = {("providers/common/whatsapp.py", "ValueError"), ("providers/message_central/media.py", "ValueError")}
    assert {use for use in uses_of_texts() if use[1] not in own} == addresses


@pytest.mark.parametrize(
    "logged", ["exception", "exc_info", "stack_info", "print_exc", "format_exc", "print_exception"]
)
def test_nothing_writes_a_traceback(logged: str) -> None:
    assert [path.name for path in ROOT.rglob("*.py") if logged in _names(path)] == []


def _names(path: Path) -> set[str]:
    found = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    attributes = {node.attr for node in found if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in found if isinstance(node, ast.keyword) and node.arg}
    return attributes | keywords | {node.id for node in found if isinstance(node, ast.Name)}


# --- what really fails ----------------------------------------------------------------------------------------------


HASTY = Patience(connect=0.2, read=0.2)
HEADERS = {"authorization": SECRET}


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(lambda bsp: LINK, id="no such host"),
        pytest.param(lambda bsp: f"{refusing_url()}/{SECRET}", id="nobody listens"),
        pytest.param(lambda bsp: f"https{bsp[4:]}/{SECRET}", id="no TLS"),
        pytest.param(lambda bsp: f"http://[{SECRET}/", id="malformed"),
        pytest.param(lambda bsp: f"http://127.0.0.1:{SECRET}/", id="no port"),
        pytest.param(lambda bsp: f"{SECRET}://127.0.0.1/", id="another scheme"),
        pytest.param(lambda bsp: f"{bsp}/{SECRET}?token={SECRET}", id="no answer"),
    ],
)
@pytest.mark.parametrize("headers", [HEADERS, {"authorization": f"{SECRET}\n"}], ids=["good header", "broken header"])
@pytest.mark.parametrize("way", ["request", "fetch"])
def test_requests_that_fail(
    address: Callable[[str], str], headers: dict[str, str], way: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any) -> Any:
        if shows(host):
            raise socket.gaierror(socket.EAI_NONAME, LINK)
        return original(host, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    made = HttpClient(patience=HASTY)
    asked: dict[str, Callable[[str], Any]] = {
        "request": lambda url: made.request("POST", url, SECRET.encode(), headers),
        "fetch": lambda url: made.fetch(url, max_bytes=9, headers=headers, loopback=True),
    }
    with Bsp(Fault.DROP) as bsp, pytest.raises((NotReached, AnswerLost, Forbidden)) as raised:
        asked[way](address(bsp.url))
    assert not shows("".join(format_exception(raised.value)))
    assert not shows(repr(vars(raised.value)) + repr(raised.value.args))
    assert not shows(log.text)


@pytest.mark.parametrize(
    "location", [LINK, f"ftp://{SECRET}", f"http://[{SECRET}", f"//10.0.0.1/{SECRET}", f"http://10.0.0.1/{SECRET}"]
)
def test_a_redirect_that_is_refused(location: str, log: Log) -> None:
    with Bsp(Answer(302, b"", {"location": location})) as bsp, pytest.raises((Forbidden, NotReached)) as raised:
        HttpClient(patience=HASTY).fetch(f"{bsp.url}/{SECRET}", max_bytes=9, loopback=True)
    assert not shows("".join(format_exception(raised.value)) + log.text)


WRONG: list[Any] = [
    LINK,
    f"{SECRET}\u0000",
    [SECRET],
    {SECRET: SECRET},
    [[SECRET]],
    {"type": SECRET},
    f"http://{SECRET}/",
]


@pytest.mark.parametrize(("provider", "path"), FIELDS, ids=[" ".join(field) for field in FIELDS])
def test_a_secret_that_is_refused(provider: str, path: str) -> None:
    refused = [error for value in WRONG if (error := refusal(put(secret(provider), path, value))) is not None]
    assert len(refused) >= 3
    for error in refused:
        assert not shows("".join(format_exception(error)) + repr(vars(error)))


def refusal(given: Any) -> AccountInvalid | None:
    try:
        parse_account("acme", json.dumps(given))
    except AccountInvalid as error:
        return error
    return None


@pytest.mark.parametrize("model", [Account, *(registry.settings(kind).Settings for kind in sorted(registry.PROVIDERS))])
def test_pydantics_own_texts_do_not_show_what_was_given(model: type[Config]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    with pytest.raises(pydantic.ValidationError) as raised:
        model.model_validate(dict.fromkeys(names, LINK))
    assert not shows(str(raised.value))
    assert not shows("".join(format_exception(raised.value)))


# --- AWS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


class Raising:
    """A client of AWS of which every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            raise self._error

        return call


ENDPOINT = botocore.exceptions.EndpointConnectionError(endpoint_url=LINK)
DENIED = botocore.exceptions.ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": LINK}}, "GetSecretValue"
)
PARAMETERS = botocore.exceptions.ParamValidationError(report=LINK)
OF_AWS = pytest.mark.parametrize("error", [ENDPOINT, DENIED, PARAMETERS], ids=lambda error: type(error).__name__)


@OF_AWS
def test_an_account_that_cannot_be_read(error: Exception, log: Log) -> None:
    accounts = Accounts("stack/accounts/", parse_account, Raising(error))
    with pytest.raises(type(error)):
        accounts.get("acme")
    assert log.messages() == ["account could not be read"]
    assert not shows(log.text)


def test_a_broken_secret(log: Log) -> None:
    broken = json.dumps(secret("clickatell") | {"waba_number": SECRET, "callback_token": SECRET})
    accounts = Accounts("stack/accounts/", parse_account, client("secretsmanager", "eu-west-1"))
    with Stubber(accounts._secrets) as stub:
        stub.add_response("get_secret_value", {"SecretString": broken})
        with pytest.raises(AccountInvalid):
            accounts.get("acme")
    assert "waba_number" in log.text
    assert not shows(log.text)


@OF_AWS
def test_a_queue_that_does_not_take(error: Exception) -> None:
    with pytest.raises(NotStored) as raised:
        Queue(f"https://sqs.example/{SECRET}", Raising(error)).send_all([Entry(SECRET)])
    assert not shows("".join(format_exception(raised.value)))


@OF_AWS
def test_a_key_that_is_not_given(error: Exception) -> None:
    with pytest.raises(KeyFailure) as raised:
        KmsKeys(lambda region: Raising(error)).decrypt("arn:aws:kms:eu-west-1:1:key/a", SECRET.encode())
    assert not shows("".join(format_exception(raised.value)))


# --- libraries' logs at Lambda's DEBUG ------------------------------------------------------------------------------


def test_no_library_logs_below_warning_where_lambdas_level_is_debug() -> None:
    """The root is at DEBUG at import: tests/conftest.py. Under Lambda's own runtime: tests/local/test_demo.py."""
    assert "whatsapp_bridge.runtime.observability" in sys.modules
    libraries = (
        "botocore",
        "botocore.endpoint",
        "botocore.parsers",
        "urllib3.connectionpool",
        "requests",
        "awslambdaric",
    )
    for name in ("", *libraries):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_every_bsp_is_in_the_conversation_at_debug() -> None:
    assert {made["provider"]["type"] for made in read_accounts().values()} == set(registry.PROVIDERS)
