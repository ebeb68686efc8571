"""A botocore session without the parts that slow a start most.

For the first client, botocore lists the folders of all AWS services, twice, and parses `endpoints.json`, more than a
megabyte. Each service now has endpoint rules, which give its addresses; of the older `endpoints.json`, only the list of
regions is used, and that requests are signed for their region.

A session registers more than a hundred handlers of events, and each client copies them. Nearly all are for one
operation of a service that is not used here, or change botocore's documentation.
"""

from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.utils import EVENT_ALIASES

SERVICES = ("sqs", "secretsmanager", "dynamodb", "kms")
"""What a lean session makes clients for. Not for S3, whose addresses need exceptions in `endpoints.json`."""

_SERVICES_IN_EVENTS = {EVENT_ALIASES.get(service, service) for service in SERVICES}


def lean_events() -> HierarchicalEmitter:
    """botocore's own handlers of the events that clients of `SERVICES` emit."""
    events = HierarchicalEmitter()
    for event, handler, *_ in filter(_is_emitted, BUILTIN_HANDLERS):
        events.register(event, handler)
    return events


def _is_emitted(builtin: tuple[Any, ...]) -> bool:
    """Whether a client of `SERVICES` emits the event: its name is `event`, `event.service` or longer."""
    kind, _, rest = builtin[0].partition(".")
    return kind != "docs" and (not rest or rest.partition(".")[0] in _SERVICES_IN_EVENTS)


class LeanLoader(Loader):  # type: ignore[misc]  # botocore is published without type information
    def list_available_services(self, type_name: str) -> list[str]:
        return list(SERVICES)

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name != "endpoints":
            data, path = super().load_data_with_path(name)
            return data, path
        partitions, path = super().load_data_with_path("partitions")
        # The path matters: botocore ignores endpoint rules if this file is the user's own.
        return {"version": 3, "partitions": [_endpoints(partition) for partition in partitions["partitions"]]}, path


def _endpoints(partition: dict[str, Any]) -> dict[str, Any]:
    """A partition of `partitions.json` in the form of `endpoints.json`, without exceptions for services."""
    return {
        "partition": partition["id"],
        "dnsSuffix": partition["outputs"]["dnsSuffix"],
        "regionRegex": partition["regionRegex"],
        "regions": partition["regions"],
        "defaults": {
            "hostname": "{service}.{region}.{dnsSuffix}",
            "protocols": ["https"],
            "signatureVersions": ["v4"],
        },
        "services": {},
    }
