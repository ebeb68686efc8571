"""botocore's data files without what takes a start the longest.

Making a first client, botocore lists the folders of all of AWS's services, twice, and parses `endpoints.json`, more
than a megabyte. That file is the predecessor of the endpoint rules that each service now brings along and addresses are
made from; of it, no more is used than which regions there are and that requests are signed for theirs.
"""

from typing import Any

from botocore.loaders import Loader

SERVICES = ("sqs", "secretsmanager", "dynamodb", "kms")
"""What `LeanLoader` has data for. S3 is not among them: its addresses follow from exceptions in `endpoints.json`."""


class LeanLoader(Loader):  # type: ignore[misc]  # botocore is published without type information
    def list_available_services(self, type_name: str) -> list[str]:
        return list(SERVICES)

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name != "endpoints":
            data, path = super().load_data_with_path(name)
            return data, path
        partitions, path = super().load_data_with_path("partitions")
        # The path counts: botocore makes no use of endpoint rules where this file is the user's own.
        return {"version": 3, "partitions": [_endpoints(partition) for partition in partitions["partitions"]]}, path


def _endpoints(partition: dict[str, Any]) -> dict[str, Any]:
    """A partition of `partitions.json` in the form of `endpoints.json`, with no service that is an exception."""
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
