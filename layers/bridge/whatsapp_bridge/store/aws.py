"""AWS clients, made once per process and region."""

import os
from functools import cache
from typing import Any

from botocore import __version__ as botocore_version
from botocore.config import Config
from botocore.session import Session, get_session

from whatsapp_bridge.store.aws_data import SERVICES, LeanLoader, lean_events

# All attempts together end within the ten seconds of the functions that answer requests, so that these can report that
# AWS does not answer.
_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_TRIES = 3
# For a call whose result a message can do without: CleverTap waits for a second.
_HASTY_SECONDS = 0.3
_REGIONAL = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}


@cache
def _session(lean: bool) -> Any:
    # boto3's own foundation: the same clients and credentials, without what boto3 adds at import.
    return lean_session() if lean else get_session()


def lean_session() -> Session:
    """botocore's session for the clients of `SERVICES`."""
    session = Session(event_hooks=lean_events(), include_builtin_handlers=False)
    session.register_component("data_loader", LeanLoader())
    return session


@cache
def client(service: str, region: str | None = None, *, hasty: bool = False) -> Any:
    """A botocore client; `region` defaults to the function's. A `hasty` one tries once, and not for long."""
    # By default botocore makes S3 links with the global address and, in many regions, with signature version 2, which
    # today's buckets refuse.
    regional = {"signature_version": "s3v4", "s3": _REGIONAL} if service == "s3" else {}
    config = Config(
        connect_timeout=_HASTY_SECONDS if hasty else _CONNECT_SECONDS,
        read_timeout=_HASTY_SECONDS if hasty else _READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1 if hasty else _TRIES},
        max_pool_connections=16,
        user_agent=_user_agent(),
        **regional,
    )
    made = _session(service in SERVICES).create_client(service, region_name=region, config=config)
    if service == "secretsmanager":
        made.meta.events.register("needs-retry.secrets-manager.BatchGetSecretValue", _is_tried_again)
    return made


def _is_tried_again(response: Any, **_: Any) -> bool | None:
    """No second try of what the service has refused (`store.secrets`); None leaves it to botocore, whose handler comes
    after this one."""
    refused = response is not None and response[0].status_code >= 400
    return False if refused else None


def _user_agent() -> str:
    """Who calls. botocore composes a longer text of its own twice for each call, in a tenth of a warm call's time."""
    # AWS's way to name an application: https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html
    application = os.environ.get("AWS_SDK_UA_APP_ID")
    return f"clevertap-whatsapp-bridge botocore/{botocore_version}" + (f" app/{application}" if application else "")


def error_code(error: Exception) -> str:
    """The service's error code of a botocore ClientError, '' for any other exception."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
