"""The stack that a command works on: a deployed one with the person's own credentials, or the local one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple

import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from ops import running
from ops.output import Exit, Failed, Screen, end
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.accounts.keys import AccountKeys, SigningKeyInvalid
from whatsapp_bridge.media.fetch import Files
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.aws import error_code
from whatsapp_bridge.store.breakers import Breakers
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.keys import KmsKeys
from whatsapp_bridge.store.notes import StoredNotes
from whatsapp_bridge.store.signing import SigningKey

Stack = Annotated[
    str | None, typer.Option("--stack", envvar="BRIDGE_STACK", help="The CloudFormation stack of a deployed bridge.")
]
Local = Annotated[bool, typer.Option("--local", help="The local stack, which `make run` serves.")]
Profile = Annotated[str | None, typer.Option("--profile", help="A profile of your AWS configuration.")]
Region = Annotated[str | None, typer.Option("--region", help="The stack's region, if it is not your default.")]

_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    user_agent_extra="clevertap-whatsapp-bridge-cli",
)
# moto checks no credentials, and the person's own must not be sent to it.
_LOCAL_CREDENTIALS: Final = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


class Target(NamedTuple):
    """`aws` makes a client of a service by its name, and its region if it is another one. `url` is the bridge's own, to
    which `{account}/send` and others are appended. `queues` gives their URLs by their names in template.yaml.
    `signing_key` is the name or ARN of its secret."""

    name: str
    aws: Callable[..., Any]
    secret_prefix: str
    messages_table: str
    url: str = ""
    bucket: str = ""
    queues: Callable[[], Mapping[str, str]] = dict
    signing_key: str = ""
    is_local: bool = False

    @property
    def option(self) -> str:
        """With which a person names it again in a command."""
        return "--local" if self.is_local else f"--stack {self.name}"

    @property
    def table(self) -> Table:
        return Table(self.messages_table, self.aws("dynamodb"))

    def services(self, http: HttpClient) -> Services:
        return Services(http, KmsKeys(lambda region: self.aws("kms", region)), StoredNotes(self.table), Files(http))

    def accounts(self) -> Accounts:
        return Accounts(self.secret_prefix, parse_account, self.aws("secretsmanager"))

    def account(self, name: str) -> Account:
        """Raises `Failed`."""
        try:
            account = self.accounts().get(name)
        except AccountInvalid as error:
            raise Failed(Exit.USAGE, str(error)) from None
        if account is None:
            raise Failed(Exit.NOT_FOUND, f"{self.name} has no account {name}")
        return account

    def breakers(self, side: Literal["bsp", "clevertap"]) -> Breakers:
        return Breakers(self.table, side)

    def keys(self, account: str) -> AccountKeys:
        """What makes the account's pseudonyms. Raises `Failed`."""
        try:
            return SigningKey(self.signing_key, self.aws("secretsmanager")).of(account)
        except SigningKeyInvalid as error:
            raise Failed(Exit.USAGE, str(error)) from None


def chosen(stack: str | None, local: bool, profile: str | None, region: str | None) -> Target:
    """Raises `Failed`."""
    if local:
        return _local()
    if stack is None:
        raise Failed(Exit.USAGE, "say which bridge: --stack NAME for a deployed one, --local while `make run` runs")
    return _deployed(stack, profile, region)


def _local() -> Target:
    stacks = running.found()
    if not stacks:
        raise Failed(Exit.NOT_FOUND, "no local stack runs: start one with `make run`")
    newest = stacks[-1]
    session = Session()

    @cache
    def client(service: str, elsewhere: str | None = None) -> Any:
        region = elsewhere or newest.region
        options = {"endpoint_url": newest.aws, "config": _CONFIG, **_LOCAL_CREDENTIALS}
        return session.create_client(service, region_name=region, **options)

    return Target(
        "the local stack",
        client,
        newest.secret_prefix,
        newest.messages_table,
        newest.url,
        newest.bucket,
        lambda: newest.queues,
        newest.signing_key,
        is_local=True,
    )


def _deployed(stack: str, profile: str | None, region: str | None) -> Target:
    with aws_errors():
        session = Session(profile=profile)

        @cache
        def client(service: str, elsewhere: str | None = None) -> Any:
            return session.create_client(service, region_name=elsewhere or region, config=_CONFIG)

        cloudformation = client("cloudformation")
        answer = cloudformation.describe_stacks(StackName=stack)

    @cache
    def queues() -> Mapping[str, str]:
        return _queues(cloudformation, stack)

    outputs = {each["OutputKey"]: each["OutputValue"] for each in answer["Stacks"][0].get("Outputs", [])}
    try:
        return Target(
            stack,
            client,
            outputs["AccountSecretPrefix"],
            outputs["MessagesTable"],
            outputs["ApiUrl"],
            outputs["PayloadsBucket"],
            queues,
            outputs["SigningKey"],
        )
    except KeyError:
        raise Failed(Exit.NOT_FOUND, f"{stack} is no stack of this bridge") from None


def _queues(cloudformation: Any, stack: str) -> Mapping[str, str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::SQS::Queue"
    }


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns errors of AWS into the end of the command."""
    try:
        yield
    except ClientError as error:
        raise Failed(Exit.NOT_FOUND, f"AWS: {error_code(error)}: {error.response['Error'].get('Message')}") from None
    except BotoCoreError as error:
        raise Failed(Exit.NOT_FOUND, f"AWS: {error}") from None


@contextmanager
def working(as_json: bool) -> Iterator[Screen]:
    """A command: what ends it is shown, and becomes its exit code."""
    screen = Screen(as_json)
    try:
        with aws_errors():
            yield screen
    except Failed as failed:
        end(screen, failed)
