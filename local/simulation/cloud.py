"""The services in memory together, with the resources of a deployment."""

from collections.abc import Callable
from random import Random
from typing import Any

from local.simulation.dynamodb import DynamoDb
from local.simulation.kms import Kms
from local.simulation.s3 import S3
from local.simulation.secrets import SecretsManager
from local.simulation.service import After, Before, Service
from local.simulation.sqs import Sqs
from local.template import Deployment


class Cloud:
    """Everything follows from `clock` (seconds since 1970) and `random`: no threads, no waiting, no other source."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self.sqs = Sqs(clock, random)
        self.dynamodb = DynamoDb(clock)
        self.secrets = SecretsManager(clock)
        self.s3 = S3(clock)
        self.kms = Kms(clock, random)
        services: tuple[Service, ...] = (self.sqs, self.dynamodb, self.secrets, self.s3, self.kms)
        self.services = {service.name: service for service in services}

    def client(self, service: str, region: str | None = None, *, hasty: bool = False) -> Any:
        """In the place of `store.aws.client`."""
        return self.services[service]

    def hook(self, before: Before, after: After) -> None:
        """Call these before and after each call to any service."""
        for service in self.services.values():
            service.before, service.after = before, after

    def deploy(self, deployment: Deployment) -> None:
        # Dead-letter queues first: a redrive policy must name an existing queue.
        for queue in sorted(deployment.queues.values(), key=lambda queue: "RedrivePolicy" in queue.attributes):
            self.sqs.create(queue.name, queue.arn, queue.url, queue.attributes)
        for table in deployment.tables.values():
            self.dynamodb.create(table.definition, table.ttl_attribute)
        for bucket in deployment.buckets.values():
            self.s3.create(bucket)
        for secret in deployment.secrets.values():
            # A source of its own: what AWS does at random does not depend on it.
            self.secrets.put(secret.name, secret.text(Random(secret.name)))
