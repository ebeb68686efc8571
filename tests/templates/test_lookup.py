"""Which template a message means."""

import pytest

from tests.templates.samples import template
from whatsapp_bridge.templates.lookup import find
from whatsapp_bridge.templates.template import Template


def known(*each: tuple[str, str] | tuple[str, str, str]) -> list[Template]:
    return [template(name=one[0], language=one[1], status=one[2] if len(one) > 2 else "APPROVED") for one in each]


@pytest.mark.parametrize(
    ("registry", "name", "language", "expected"),
    [
        pytest.param(known(("order", "en")), "order", "en", ("order", "en"), id="as it is"),
        pytest.param(known(("order", "en"), ("Order", "en")), "Order", "en", ("Order", "en"), id="exact before alike"),
        pytest.param(known(("order", "en")), "ORDER", "en", ("order", "en"), id="another case"),
        pytest.param(known(("order", "en"), ("Order", "en")), "ORDER", "en", None, id="two that are alike"),
        pytest.param(
            known(("order", "en"), ("order", "de")), "Order", "de", ("order", "de"), id="one name in two languages"
        ),
        pytest.param(known(("order", "en_US")), "order", "en", ("order", "en_US"), id="the only variant"),
        pytest.param(
            known(("order", "en", "DELETED"), ("order", "en_US")),
            "order",
            "en",
            ("order", "en_US"),
            id="deleted ones give way",
        ),
        pytest.param(known(("order", "en", "DELETED")), "order", "en", ("order", "en"), id="deleted"),
        pytest.param(
            known(("Order", "en", "DELETED"), ("order", "en")),
            "ORDER",
            "en",
            ("order", "en"),
            id="a deleted one that is alike",
        ),
        pytest.param(known(("order", "en", "PAUSED")), "order", "en", ("order", "en"), id="paused"),
    ],
)
def test_found(registry: list[Template], name: str, language: str, expected: tuple[str, str] | None) -> None:
    found = find(registry, name, language).template
    assert (found.key if found else None) == expected


@pytest.mark.parametrize(
    ("registry", "language", "reason"),
    [
        pytest.param([], "en", "template order does not exist", id="no such name"),
        pytest.param(known(("orders", "en")), "en", "template order does not exist", id="half a name"),
        pytest.param(
            known(("order", "pt_PT"), ("order", "de")),
            "pt_BR",
            "template order does not exist in pt_BR, but in de, pt_PT",
            id="no such language",
        ),
        pytest.param(
            known(("order", "en_US"), ("order", "en_GB")),
            "en",
            "template order does not exist in en, but in en_GB, en_US",
            id="two variants",
        ),
        pytest.param(
            known(("order", "en_US", "PAUSED")),
            "en",
            "template order does not exist in en, but in en_US",
            id="no approved variant",
        ),
    ],
)
def test_not_found(registry: list[Template], language: str, reason: str) -> None:
    assert find(registry, "order", language) == (None, reason)


def test_the_bsps_spelling_is_found_too() -> None:
    made = template(name="order_ready")._replace(name="OrderReady")
    assert find([made], "order_ready", "en").template == find([made], "OrderReady", "en").template == made
