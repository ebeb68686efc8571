"""What the architecture says that a message costs is what the simulation counts."""

import pytest

from local.simulation.costs import _MANY, cost, table
from local.simulation.plan import Kind, sample_accounts
from tests.test_docs import ROOT, text_of


@pytest.mark.parametrize("kind", _MANY)
def test_the_costs_are_those_of_the_architecture(kind: Kind) -> None:
    rows = table([cost(account, kind) for account in sorted(sample_accounts())])
    assert "\n".join(rows) in text_of(ROOT / "docs/architecture.md"), "put in what `make costs` prints"
