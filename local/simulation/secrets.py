"""Secrets Manager in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from local.simulation import rules
from local.simulation.service import Refused, Service, operation

_NOT_FOUND: Final = "Secrets Manager can't find the specified secret."


class SecretsManager(Service):
    name = "secretsmanager"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._secrets: dict[str, str] = {}
        self._batches: Counter[int] = Counter()
        """Requests for several secrets, by the second."""

    def put(self, name: str, text: str) -> None:
        """Create a secret, or change it; each read shows it from now on."""
        if len(text.encode()) > rules.MAX_SECRET_BYTES:
            raise ValueError(f"{name}: a secret has at most {rules.MAX_SECRET_BYTES} bytes")
        self._secrets[name] = text

    def delete(self, name: str) -> None:
        del self._secrets[name]

    @operation("ListSecrets")
    def list_secrets(
        self, *, Filters: Sequence[Mapping[str, Any]] = (), MaxResults: int = 100, NextToken: str = "0"
    ) -> dict[str, Any]:
        """By the beginning of their names, in pages."""
        prefixes = [str(value) for of in Filters if of["Key"] == "name" for value in of["Values"]]
        names = sorted(name for name in self._secrets if not prefixes or name.startswith(tuple(prefixes)))
        begin = int(NextToken)
        page: dict[str, Any] = {"SecretList": [{"Name": name} for name in names[begin : begin + MaxResults]]}
        return page | ({"NextToken": str(begin + MaxResults)} if begin + MaxResults < len(names) else {})

    @operation("GetSecretValue")
    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self._secrets:
            raise Refused("ResourceNotFoundException", _NOT_FOUND)
        return self._value(SecretId)

    @operation("BatchGetSecretValue")
    def batch_get_secret_value(self, *, SecretIdList: Sequence[str]) -> dict[str, Any]:
        if len(SecretIdList) > rules.MAX_SECRETS_BATCH:
            raise Refused("InvalidParameterException", f"at most {rules.MAX_SECRETS_BATCH} secrets")
        second = int(self.clock())
        self._batches = Counter({second: self._batches[second] + 1})
        if self._batches[second] > rules.SECRETS_BATCHES:
            raise Refused("ThrottlingException", "Rate exceeded")
        missing = [name for name in SecretIdList if name not in self._secrets]
        return {
            "SecretValues": [self._value(name) for name in SecretIdList if name in self._secrets],
            "Errors": [
                {"SecretId": name, "ErrorCode": "ResourceNotFoundException", "Message": _NOT_FOUND} for name in missing
            ],
        }

    def _value(self, name: str) -> dict[str, Any]:
        return {"Name": name, "SecretString": self._secrets[name], "VersionStages": ["AWSCURRENT"]}
