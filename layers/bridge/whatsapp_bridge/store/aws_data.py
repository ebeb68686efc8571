"""botocore's data files without the parts that slow a start most.

For the first client, botocore lists the folders of all AWS services, twice, and parses `endpoints.json`, more than a
megabyte. Each service now has endpoint rules, which give its addresses; of the older `endpoints.json`, only the list of
regions is used, and that requests are signed for their region.
"""

from typing import Any

from botocore.loaders import Loader

SERVICES = ("sqs", "secretsmanager", "dynamodb", "kms")
"""What `LeanLoader` has data for. Not for S3, whose addresses need exceptions in `endpoints.json`."""


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
