"""The stack that a command works on: found on this machine, or deployed with the person's own credentials."""

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound

from ops import running, target
from ops.output import Exit, Failed
from ops.running import Running, announced, found

QUEUES = {"StatusesQueue": "http://127.0.0.1:2/1/statuses"}
STACK = Running(
    "http://127.0.0.1:1",
    "http://127.0.0.1:2",
    "eu-west-1",
    "local/accounts/",
    "local-messages",
    "payloads",
    QUEUES,
    "local-SigningKey",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return running.folder()


# --- the local one ---------------------------------------------------------------------------------------------------


def test_stack_is_found_while_it_runs(folder: Path) -> None:
    with announced(STACK):
        assert found() == [STACK]
        # Nobody else may put a stack there.
        assert (folder.stat().st_mode & 0o777) == 0o700

    assert found() == []


def test_stack_whose_process_died_is_not_found(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    # The highest id that Linux gives is below this.
    (folder / "4194305.json").write_text("{}", encoding="utf-8")

    assert found() == []


@pytest.mark.parametrize("text", ["", "[]", '{"url": "http://127.0.0.1:1"}'])
def test_file_that_is_half_written_is_passed_over(folder: Path, text: str) -> None:
    folder.mkdir(mode=0o700)
    (folder / f"{os.getpid()}.json").write_text(text, encoding="utf-8")

    assert found() == []


def test_local_stack_gets_none_of_the_persons_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "private-key")
    with announced(STACK):
        local = target.chosen(None, True, None, None)

    dynamodb = local.aws("dynamodb")
    assert (local.messages_table, local.secret_prefix) == ("local-messages", "local/accounts/")
    assert (local.url, local.bucket, local.queues()) == (STACK.url, "payloads", QUEUES)
    assert local.option == "--local"
    assert dynamodb.meta.endpoint_url == "http://127.0.0.1:2"
    assert dynamodb._request_signer._credentials.access_key == "local"


def test_no_stack_at_all() -> None:
    with pytest.raises(Failed, match="`make run`") as raised:
        target.chosen(None, True, None, None)

    assert raised.value.code == Exit.NOT_FOUND


def test_neither_is_said() -> None:
    with pytest.raises(Failed, match="--stack NAME") as raised:
        target.chosen(None, False, None, None)

    assert raised.value.code == Exit.USAGE


# --- a deployed one --------------------------------------------------------------------------------------------------


def deployed(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[tuple[str, str | None, str | None]]:
    """CloudFormation gives this answer; returned is which clients were made, for which profile and region."""
    made: list[tuple[str, str | None, str | None]] = []

    class Session:
        def __init__(self, profile: str | None = None) -> None:
            self._profile = profile

        def create_client(self, service: str, region_name: str | None = None, **_: Any) -> Any:
            made.append((service, self._profile, region_name))
            return self

        def get_paginator(self, operation: str) -> Any:
            assert operation == "list_stack_resources"
            return self

        def paginate(self, StackName: str) -> Any:  # noqa: N803 - AWS's spelling
            kinds = [("StatusesQueue", "AWS::SQS::Queue"), ("MessagesTable", "AWS::DynamoDB::Table")]
            for name, kind in kinds:
                ids = {"LogicalResourceId": name, "PhysicalResourceId": f"{StackName}/{name}", "ResourceType": kind}
                yield {"StackResourceSummaries": [ids]}

        def describe_stacks(self, **_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in answer.items()]}]}

    monkeypatch.setattr(target, "Session", Session)
    return made


def test_deployed_stack_is_read_from_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {
        "AccountSecretPrefix": "bridge/accounts/",
        "MessagesTable": "bridge-messages",
        "ApiUrl": "https://x",
        "PayloadsBucket": "bridge-payloads",
        "SigningKey": "arn:key",
    }
    made = deployed(monkeypatch, outputs)

    chosen = target.chosen("bridge", False, "shop", "eu-west-1")
    chosen.aws("kms", "us-east-1")

    assert (chosen.secret_prefix, chosen.messages_table) == ("bridge/accounts/", "bridge-messages")
    assert (chosen.url, chosen.bucket, chosen.option) == ("https://x", "bridge-payloads", "--stack bridge")
    assert chosen.signing_key == "arn:key"
    assert chosen.queues() == {"StatusesQueue": "bridge/StatusesQueue"}
    assert made == [("cloudformation", "shop", "eu-west-1"), ("kms", "shop", "us-east-1")]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            ClientError(
                {"Error": {"Code": "ValidationError", "Message": "Stack bridge does not exist"}}, "DescribeStacks"
            ),
            "AWS: ValidationError: Stack bridge does not exist",
            id="no such stack",
        ),
        pytest.param(NoCredentialsError(), "AWS: Unable to locate credentials", id="no credentials"),
        pytest.param(ProfileNotFound(profile="shop"), "shop", id="no such profile"),
        pytest.param({"Something": "else"}, "bridge is no stack of this bridge", id="another stack"),
    ],
)
def test_stack_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, answer: Any, words: str) -> None:
    deployed(monkeypatch, answer)

    with pytest.raises(Failed, match=words) as raised:
        target.chosen("bridge", False, None, None)

    assert raised.value.code == Exit.NOT_FOUND
