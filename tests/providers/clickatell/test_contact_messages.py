import json
from base64 import b64decode
from typing import Any

import pytest

from tests.providers.clickatell.samples import MT_KEY, Json
from tests.providers.clickatell.test_encryption import Keys, client
from tests.providers.conformance import OTHER_PERSON, PERSON, TEXT, assert_public
from whatsapp_bridge.providers.clickatell import encryption
from whatsapp_bridge.providers.clickatell.contact_messages import (
    Address,
    Contact,
    Email,
    Link,
    Name,
    Organisation,
    Phone,
    contacts_message,
)
from whatsapp_bridge.providers.contract import Outgoing

NAME = Name(formatted_name="private Ada")
ENVELOPE = {"channel": "whatsapp", "to": PERSON, "clientMessageId": "r1"}
FULL = Contact(
    name=Name(
        formatted_name="private Dr Ada M Example Jr",
        first_name="private Ada",
        middle_name="private M",
        last_name="private Example",
        prefix="private Dr",
        suffix="private Jr",
    ),
    addresses=[
        Address(
            street="private street",
            city="private city",
            state="private state",
            zip="private zip",
            country="private country",
            country_code="private za",
            type="private HOME",
        ),
        Address(city="private town", type="private WORK"),
    ],
    birthday="1990-02-28",
    emails=[Email(email="private@shop.example", type="private WORK"), Email(email="private@home.example")],
    org=Organisation(company="private shop", department="private sales", title="private manager"),
    phones=[Phone(phone=f"+{PERSON}", type="private HOME"), Phone(phone="+27 private", wa_id=OTHER_PERSON)],
    urls=[Link(url="https://private.example", type="private WORK")],
)

CONTACTS: dict[str, tuple[Contact, Json]] = {
    "name and phone": (
        Contact(name=NAME, phones=[Phone(phone=f"+{PERSON}", type="HOME")]),
        {"name": {"formattedName": "private Ada"}, "phones": [{"phone": f"+{PERSON}", "type": "HOME"}]},
    ),
    "name and birthday": (
        Contact(name=NAME, birthday="1990-02-28"),
        {"name": {"formattedName": "private Ada"}, "birthday": "1990-02-28"},
    ),
    "name and company": (
        Contact(name=NAME, org=Organisation(company="private shop")),
        {"name": {"formattedName": "private Ada"}, "org": {"company": "private shop"}},
    ),
    "everything": (
        FULL,
        {
            "name": {
                "formattedName": "private Dr Ada M Example Jr",
                "firstName": "private Ada",
                "middleName": "private M",
                "lastName": "private Example",
                "prefix": "private Dr",
                "suffix": "private Jr",
            },
            "addresses": [
                {
                    "street": "private street",
                    "city": "private city",
                    "state": "private state",
                    "zip": "private zip",
                    "country": "private country",
                    "countryCode": "private za",
                    "type": "private HOME",
                },
                {"city": "private town", "type": "private WORK"},
            ],
            "birthday": "1990-02-28",
            "emails": [
                {"email": "private@shop.example", "type": "private WORK"},
                {"email": "private@home.example"},
            ],
            "org": {"company": "private shop", "department": "private sales", "title": "private manager"},
            # Not waId, as inbound.
            "phones": [
                {"phone": f"+{PERSON}", "type": "private HOME"},
                {"phone": "+27 private", "wa_id": OTHER_PERSON},
            ],
            "urls": [{"url": "https://private.example", "type": "private WORK"}],
        },
    ),
}


@pytest.mark.parametrize(("contact", "expected"), CONTACTS.values(), ids=CONTACTS.keys())
def test_contact(contact: Contact, expected: Json) -> None:
    assert contacts_message(PERSON, "r1", [contact]) == ENVELOPE | {"contacts": [expected]}


def test_several_contacts_in_their_order() -> None:
    names = [Contact(name=Name(formatted_name=name), birthday="1990-02-28") for name in ("b", "a")]

    listed = contacts_message(PERSON, "r1", names)["contacts"]

    assert [contact["name"]["formattedName"] for contact in listed] == ["b", "a"]


@pytest.mark.parametrize(("contact", "expected"), CONTACTS.values(), ids=CONTACTS.keys())
def test_every_leaf_is_encrypted(contact: Contact, expected: Json) -> None:
    keys = Keys()

    outgoing = client(keys).prepare(Outgoing("r1", contacts_message(PERSON, "r1", [contact])))

    assert isinstance(outgoing, Outgoing)
    wire = dict(outgoing.request)
    key = keys.decrypt(MT_KEY, b64decode(wire.pop("encryptionKey")))
    clear, secret = leaves(expected), leaves(wire["contacts"][0])
    assert secret.keys() == clear.keys()
    assert {path: encryption.decrypt(key, value) for path, value in secret.items()} == clear
    assert "private" not in json.dumps(wire["contacts"])
    assert {name: wire[name] for name in ENVELOPE} == ENVELOPE


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        return {path: value}
    return {leaf: text for name, member in members for leaf, text in leaves(member, (*path, str(name))).items()}


# In One API's names, as JSON would bring them; the member that the error has to name.
REFUSED: dict[str, tuple[Json, str]] = {
    "a name alone": ({"name": {"formattedName": TEXT}}, "a name and one more member"),
    "a name and nothing": ({"name": {"formattedName": TEXT}, "phones": []}, "a name and one more member"),
    "no name": ({"birthday": "1990-02-28"}, "name"),
    "no formatted name": ({"name": {"firstName": TEXT}, "birthday": "1990-02-28"}, "name.formattedName"),
    "empty formatted name": ({"name": {"formattedName": ""}, "birthday": "1990-02-28"}, "name.formattedName"),
    "empty company": ({"name": {"formattedName": TEXT}, "org": {"company": ""}}, "org.company"),
    "empty organisation": ({"name": {"formattedName": TEXT}, "org": {}}, "org"),
    "empty address": ({"name": {"formattedName": TEXT}, "addresses": [{}]}, "addresses.0"),
    "birthday of another form": ({"name": {"formattedName": TEXT}, "birthday": "28.02.1990"}, "birthday"),
    "phone without a number": ({"name": {"formattedName": TEXT}, "phones": [{"type": TEXT}]}, "phones.0.phone"),
    "phone no text": ({"name": {"formattedName": TEXT}, "phones": [{"phone": 5}]}, "phones.0.phone"),
    "WhatsApp number in inbound's spelling": (
        {"name": {"formattedName": TEXT}, "phones": [{"phone": PERSON, "waId": PERSON}]},
        "phones.0.waId",
    ),
    "unknown member": ({"name": {"formattedName": TEXT}, "birthday": "1990-02-28", "colour": TEXT}, "colour"),
}


@pytest.mark.parametrize(("contact", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_contact(contact: Json, named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        Contact.model_validate(contact)
    assert_public(caught.value)


@pytest.mark.parametrize(
    ("to", "contacts", "named"),
    [
        (PERSON, [], "contacts: "),
        (f"+{PERSON}", [FULL], "to: "),
        ("", [FULL], "to: "),
        ("\u0662\u0667", [FULL], "to: "),
    ],
    ids=["no contact", "plus sign", "nobody", "other digits"],
)
def test_refused_message(to: str, contacts: list[Contact], named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        contacts_message(to, "r1", contacts)
    assert_public(caught.value)


def test_nothing_of_a_contact_shows() -> None:
    assert_public(FULL, *(FULL.phones or []), FULL.name)
