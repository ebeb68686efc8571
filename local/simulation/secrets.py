"""Secrets Manager in memory."""

from typing import Any

from local.simulation import rules
from local.simulation.service import Refused, Service, operation


class SecretsManager(Service):
    name = "secretsmanager"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._secrets: dict[str, str] = {}

    def put(self, name: str, text: str) -> None:
        """Create a secret, or change it; each read shows it from now on."""
        if len(text.encode()) > rules.MAX_SECRET_BYTES:
            raise ValueError(f"{name}: a secret has at most {rules.MAX_SECRET_BYTES} bytes")
        self._secrets[name] = text

    def delete(self, name: str) -> None:
        del self._secrets[name]

    @operation("GetSecretValue")
    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self._secrets:
            message = "Secrets Manager can't find the specified secret."
            raise Refused("ResourceNotFoundException", message)
        return {"Name": SecretId, "SecretString": self._secrets[SecretId], "VersionStages": ["AWSCURRENT"]}
