from typing import Any

import pytest

from whatsapp_bridge.providers.common.contacts import as_text

CARD = "BEGIN:VCARD\nFN:Ada\nTEL:+27831234567\nEND:VCARD"
NAMED = {"name": {"formatted_name": "Ada"}}
CONTACTS: dict[str, tuple[Any, str]] = {
    "Meta's form": (
        [NAMED | {"phones": [{"phone": "+27831234567", "type": "CELL"}], "emails": [{"email": "a@shop.example"}]}],
        "Ada\n+27831234567 (CELL)\na@shop.example",
    ),
    "one without a list": (NAMED, "Ada"),
    "numbers and mails as plain texts": (
        [NAMED | {"phones": ["+27831234567"], "emails": ["a@shop.example"]}],
        "Ada\n+27831234567\na@shop.example",
    ),
    "a number that has lost its quotes": (
        [{"phones": [{"phone": 27831234567}, 27837654321]}],
        "27831234567\n27837654321",
    ),
    "name and company as plain texts": ([{"name": "Ada", "org": "Shop"}], "Ada\nShop"),
    "name of unknown parts": ([{"name": {"nick": "Ada"}}], "nick: Ada"),
    "entries of unknown members": (
        [NAMED | {"phones": [{"number": "27831234567", "type": "CELL"}], "urls": {"link": "shop.example"}}],
        "Ada\nnumber: 27831234567 (CELL)\nlink: shop.example",
    ),
    "entries without content": ([NAMED | {"phones": [{"type": "CELL"}, None, ""], "emails": None}], "Ada"),
    "a card alone": ([{"vcard": CARD}], CARD),
    "a card that is an object, alone": ([{"vcard": {"fn": "Ada", "tel": [1, 2]}}], "fn: Ada\ntel: 1\ntel: 2"),
    "a card beside what it says": (
        [NAMED | {"phones": [{"phone": "+27831234567"}], "vcard": CARD}],
        "Ada\n+27831234567",
    ),
    "a card beside a name alone": ([NAMED | {"vcard": CARD}], f"Ada\n{CARD}"),
    "a card in place of a contact": ([CARD], CARD),
    "unknown members": (
        [NAMED | {"nickname": "Countess", "ims": [{"skype": "ada"}]}],
        "Ada\nnickname: Countess\nims.skype: ada",
    ),
    "unknown members alone": ([{"displayName": "Ada"}], "displayName: Ada"),
    "unknown members in known ones": (
        [
            {
                "name": {"formatted_name": "Ada", "first_name": "Ada", "phonetic": "A-da"},
                "phones": [{"phone": "+27831234567", "wa_id": "27831234567", "extension": 7, "type": "WORK"}],
                "emails": [{"email": "a@shop.example", "note": "old"}],
            }
        ],
        "Ada, phonetic: A-da\n+27831234567, extension: 7 (WORK)\na@shop.example, note: old",
    ),
    "a number that WhatsApp has in another form": (
        [{"phones": [{"phone": "+55 11 98888-7777", "wa_id": "551188887777"}]}],
        "+55 11 98888-7777",
    ),
    "a number that WhatsApp has another of": (
        [{"phones": [{"phone": "+27831234567", "wa_id": "27837654321"}]}],
        "+27831234567, WhatsApp 27837654321",
    ),
    "two": ([NAMED, {"name": "Ben"}], "Ada\n\nBen"),
    "a text": ("Ada", "Ada"),
    "nothing": ([{}, None, "", {"name": {}, "phones": []}], ""),
    "null": (None, ""),
}


@pytest.mark.parametrize(("contacts", "expected"), CONTACTS.values(), ids=CONTACTS.keys())
def test_contacts(contacts: Any, expected: str) -> None:
    assert as_text(contacts) == expected
