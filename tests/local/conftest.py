from collections.abc import Iterator

import pytest

from local.aws import LocalAws
from local.sandbox.bsp import KmsClient
from tests.local.bridge import MO_KEY, MT_KEY, OTHER_KEY, REGION, Bridge


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsClient]:
    """The KMS of an AWS with the keys of client-side encryption."""
    with LocalAws(REGION) as aws:
        aws.add_account("st", "keys", {"keys": [MT_KEY, MO_KEY, OTHER_KEY]})
        yield lambda region: aws.client("kms", region)


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    with made.server:
        yield made
