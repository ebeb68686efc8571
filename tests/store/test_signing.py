"""The stack's signing key: read beside an account in one request, as old as accounts, and served on while it cannot be
read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.conftest import Log
from tests.support.world import account, signing_key
from whatsapp_bridge.accounts.keys import AccountKeys, SigningKeyInvalid
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.store.accounts import Accounts, AccountUnread
from whatsapp_bridge.store.signing import SigningKey, SigningKeyStale

ACME, OTHER, SIGNING = "stack/accounts/acme", "stack/accounts/other", "stack-SigningKey"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stack-SigningKey-AbCdEf"
OLD, NEW, LEAKED = "o" * 64, "n" * 64, "l" * 64
ANN = "27820000001"


def failed(code: str, operation: str = "GetSecretValue") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Canary"}}, operation)


class Secrets:
    """Secrets Manager. `asked` are the requests; `batch` is what the one for several raises; `errors` are what single
    secrets raise, in both operations."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {
            ACME: json.dumps(account()),
            OTHER: json.dumps(account()),
            SIGNING: signing_key(OLD),
            ARN: signing_key(OLD),
        }
        self.asked: list[Any] = []
        self.batch: Exception | None = None
        self.errors: dict[str, str] = {}
        self.silent = False
        """The answer to a request for several has nothing."""

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - botocore's spelling
        self.asked.append(SecretId)
        code = self._error_of(SecretId)
        if code is not None:
            raise failed(code)
        return {"SecretString": self.texts[SecretId]}

    def batch_get_secret_value(self, SecretIdList: list[str]) -> dict[str, Any]:  # noqa: N803
        self.asked.append(SecretIdList)
        if self.batch is not None:
            raise self.batch
        if self.silent:
            return {}
        codes = {name: self._error_of(name) for name in SecretIdList}
        return {
            "SecretValues": [self._value(name) for name, code in codes.items() if code is None][::-1],
            "Errors": [
                {"SecretId": name, "ErrorCode": code, "Message": "Canary"} for name, code in codes.items() if code
            ],
        }

    def _value(self, name: str) -> dict[str, str]:
        known_as = {"ARN": name, "Name": "stack-SigningKey"} if name == ARN else {"ARN": f"arn:{name}", "Name": name}
        return known_as | {"SecretString": self.texts[name]}

    def _error_of(self, name: str) -> str | None:
        return self.errors.get(name) or (None if name in self.texts else "ResourceNotFoundException")


class Process:
    def __init__(self, signing: str = SIGNING) -> None:
        self.now = 1000.0
        self.secrets = Secrets()
        self.key = SigningKey(signing, self.secrets, lambda: self.now)
        self.accounts = Accounts("stack/accounts/", parse_account, self.secrets, lambda: self.now, signing=self.key)

    def keys(self, name: str = "acme") -> Any:
        found = self.accounts.get(name)
        return found and found.keys.digests(b"x")

    def of(self, *signing: str, name: str = "acme") -> Any:
        return AccountKeys(name, signing).digests(b"x")

    def rotate(self, *keys: str) -> None:
        self.secrets.texts |= {SIGNING: signing_key(*keys), ARN: signing_key(*keys)}


@pytest.fixture
def process() -> Process:
    return Process()


# --- how it is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SIGNING, ARN], ids=["by name", "by ARN"])
def test_account_and_key_are_read_in_one_request(name: str) -> None:
    process = Process(name)
    assert process.keys() == process.of(OLD)
    assert process.keys() == process.of(OLD)
    assert process.secrets.asked == [[ACME, name]]


def test_the_next_account_takes_the_key_that_is_there(process: Process) -> None:
    process.keys()
    process.now += 59
    assert process.keys("other") == process.of(OLD, name="other")
    assert process.secrets.asked == [[ACME, SIGNING], OTHER]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDeniedException", "InternalServiceError", "InvalidParameterException"]
)
def test_what_is_refused_together_is_read_one_by_one_at_once(process: Process, code: str) -> None:
    """As when many processes start: AWS allows a hundred such requests a second."""
    process.secrets.batch = failed(code, "BatchGetSecretValue")
    assert process.keys() == process.of(OLD)
    assert process.secrets.asked == [[ACME, SIGNING], ACME, SIGNING]


def test_what_the_answer_does_not_have_is_read_by_itself(process: Process) -> None:
    process.secrets.silent = True
    assert process.keys() == process.of(OLD)
    assert process.secrets.asked == [[ACME, SIGNING], ACME, SIGNING]


def test_a_service_out_of_reach_is_not_asked_again(process: Process) -> None:
    """botocore has tried it three times."""
    process.secrets.batch = EndpointConnectionError(endpoint_url="x")
    with pytest.raises(EndpointConnectionError):
        process.keys()
    assert process.secrets.asked == [[ACME, SIGNING]]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
def test_an_unknown_account_costs_one_request(process: Process, code: str) -> None:
    process.secrets.errors[ACME] = code
    assert process.keys() is None
    assert process.secrets.asked == [[ACME, SIGNING]]
    process.now += 31
    del process.secrets.errors[ACME]
    assert process.keys() == process.of(OLD)


@pytest.mark.parametrize("code", ["AccessDeniedException", "DecryptionFailure", "InternalServiceError"])
def test_an_account_that_cannot_be_read(process: Process, code: str) -> None:
    process.secrets.errors[ACME] = code
    with pytest.raises(ClientError, match=code):
        process.keys()


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        pytest.param("AccessDeniedException", ClientError, id="no permission"),
        pytest.param("DecryptionFailure", ClientError, id="no permission for its KMS key"),
        pytest.param("ResourceNotFoundException", SigningKeyInvalid, id="none"),
        pytest.param("InvalidRequestException", SigningKeyInvalid, id="marked for deletion"),
    ],
)
def test_a_key_that_cannot_be_read_and_never_was(
    process: Process, code: str, raised: type[Exception], log: Log
) -> None:
    process.secrets.errors[SIGNING] = code
    for _ in range(2):
        with pytest.raises(raised):
            process.keys()
        with pytest.raises(AccountUnread):
            process.keys()
        process.now += 2
    assert "signing key could not be read" in log.text
    assert "Canary" not in log.text
    del process.secrets.errors[SIGNING]
    assert process.keys() == process.of(OLD)


# --- how old it is --------------------------------------------------------------------------------------------------


def test_a_new_key_is_known_within_minutes(process: Process) -> None:
    process.keys()
    process.rotate(NEW, OLD)
    process.now += 299
    assert process.keys() == process.of(OLD)
    process.now += 1
    assert process.keys() == process.of(NEW, OLD)
    assert process.secrets.asked == [[ACME, SIGNING]] * 2


def test_the_key_of_a_function_without_accounts_has_the_same_age(process: Process) -> None:
    assert process.key.of("acme").digests(b"x") == process.of(OLD)
    process.rotate(NEW)
    process.now += 299
    assert process.key.of("acme").digests(b"x") == process.of(OLD)
    process.now += 1
    assert process.key.of("acme").digests(b"x") == process.of(NEW)
    assert process.secrets.asked == [SIGNING] * 2


@pytest.mark.parametrize("fault", ["away", "denied", "broken", "gone"])
def test_the_last_good_key_serves_on(
    process: Process, fault: str, log: Log, counted: Callable[[], dict[str, int]]
) -> None:
    process.keys()
    match fault:
        case "away":
            process.secrets.batch = EndpointConnectionError(endpoint_url="x")
        case "denied":
            process.secrets.errors[SIGNING] = "AccessDeniedException"
        case "broken":
            process.secrets.texts[SIGNING] = '{"key": "Canary"}'
        case "gone":
            del process.secrets.texts[SIGNING]
    for _ in range(20):
        process.now += 300
        assert process.keys() == process.of(OLD)
    assert counted()["AccountsStale"] >= 20
    assert "Canary" not in log.text
    process.secrets.batch, process.secrets.errors = None, {}
    process.rotate(NEW)
    process.now += 300
    assert process.keys() == process.of(NEW)


# --- what it has made -----------------------------------------------------------------------------------------------


def matches(process: Process, key: str) -> bool:
    made = process.of(key)[0]
    return process.key.matching("acme", lambda keys: made in keys.digests(b"x"))


@pytest.mark.parametrize(("age", "found"), [pytest.param(14, False, id="just read"), pytest.param(15, True, id="old")])
def test_what_a_new_key_has_made_is_known_as_soon_as_the_key_is_read_again(
    process: Process, age: float, found: bool
) -> None:
    assert matches(process, OLD)
    process.rotate(NEW, OLD)
    process.now += age
    assert matches(process, NEW) is found
    assert matches(process, OLD)


def test_what_no_key_has_made_does_not_read_it_again_and_again(process: Process) -> None:
    for _ in range(20):
        assert not matches(process, LEAKED)
        process.now += 0.5
    assert process.secrets.asked == [SIGNING]


def test_what_a_key_may_have_made_that_cannot_be_read(process: Process) -> None:
    assert matches(process, OLD)
    process.secrets.errors[SIGNING] = "AccessDeniedException"
    process.now += 20
    for _ in range(5):
        with pytest.raises(SigningKeyStale):
            matches(process, NEW)
    assert matches(process, OLD)
    assert process.secrets.asked == [SIGNING] * 2
