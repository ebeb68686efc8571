"""Contacts from people as lines of text, because CleverTap has no form for them.

BSPs pass on WhatsApp's contacts, some with Meta's names, some with these in camel case: both are read. Sources: the
callback moContacts in the section "Inbound message callback comparisons" of the page named in `clickatell.codes`;
"Contacts messages webhook reference" of Meta's documentation. A phone has its WhatsApp number in `wa_id`.
"""

from collections.abc import Iterable
from typing import Any, Final

from whatsapp_bridge.providers.common.values import identifier

_NAME_PARTS: Final = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_ADDRESS_PARTS: Final = ("street", "city", "state", "zip", "country", "country_code")


def as_text(contacts: Any) -> str:
    """One block of lines per contact, with an empty line in between; "" if there is no content."""
    blocks = (_lines(_object(contact)) for contact in _list(contacts))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _lines(contact: dict[str, Any]) -> list[str]:
    lines = [
        _name(_object(contact.get("name"))),
        _joined(_object(contact.get("org")).values()),
        *(_labelled(_phone(entry), entry) for entry in _objects(contact.get("phones"))),
        *(_labelled(_joined([entry.get("email")]), entry) for entry in _objects(contact.get("emails"))),
        *(_labelled(_joined([entry.get("url")]), entry) for entry in _objects(contact.get("urls"))),
        *(_labelled(_address(entry), entry) for entry in _objects(contact.get("addresses"))),
        _joined([contact.get("birthday")]),
    ]
    return [line for line in lines if line]


def _name(name: dict[str, Any]) -> str:
    """The name as the sender's phone shows it, else its parts."""
    return _joined([_member(name, "formatted_name")]) or _joined((_member(name, part) for part in _NAME_PARTS), " ")


def _phone(entry: dict[str, Any]) -> str:
    """The number, and the one on WhatsApp if it differs."""
    phone, on_whatsapp = _joined([entry.get("phone")]), _joined([_member(entry, "wa_id")])
    if not on_whatsapp or _digits(on_whatsapp) == _digits(phone):
        return phone or on_whatsapp
    return f"{phone}, WhatsApp {on_whatsapp}" if phone else f"WhatsApp {on_whatsapp}"


def _address(entry: dict[str, Any]) -> str:
    return _joined(_member(entry, part) for part in _ADDRESS_PARTS)


def _member(holder: dict[str, Any], name: str) -> Any:
    """The member with Meta's name, else with that name in camel case."""
    first, *others = name.split("_")
    return holder.get(name, holder.get(first + "".join(map(str.capitalize, others))))


def _labelled(value: str, entry: dict[str, Any]) -> str:
    label = _joined([entry.get("type")])
    return f"{value} ({label})" if value and label else value


def _joined(values: Iterable[Any], separator: str = ", ") -> str:
    return separator.join(text for value in values if (text := identifier(value)))


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [_object(entry) for entry in _list(value)]
