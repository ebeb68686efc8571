"""Contacts from people as lines of text, because CleverTap has no form for them.

BSPs pass on WhatsApp's contacts, some with Meta's names, some with these in camel case: both are read. Sources: the
callback moContacts in the section "Inbound message callback comparisons" of the page named in `clickatell.codes`;
"Contacts messages webhook reference" of Meta's documentation. A phone has its WhatsApp number in `wa_id`. Whatever has
another form is told line by line.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from whatsapp_bridge.accounts.phone_numbers import same
from whatsapp_bridge.providers.common.values import detail, digits, each, lines

_NAME_PARTS: Final = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_ADDRESS_PARTS: Final = ("street", "city", "state", "zip", "country", "country_code")
_PHONE_PARTS: Final = ("phone", "wa_id")
_MEMBERS: Final = frozenset({"name", "org", "phones", "emails", "urls", "addresses", "birthday", "vcard"})


def as_text(contacts: Any) -> str:
    """One block of lines per contact, with an empty line in between; "" if there is no content."""
    blocks = map(_block, each(contacts))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _block(contact: Any) -> list[str]:
    if not isinstance(contact, dict):
        return lines(contact)
    phones = [line for line in _labelled(contact.get("phones"), _phone, _PHONE_PARTS) if line]
    known = [
        _single(contact.get("name"), _name, ("formatted_name", *_NAME_PARTS)),
        _single(contact.get("org"), lambda org: _joined(org.values())),
        *phones,
        *_labelled(contact.get("emails"), lambda entry: _joined([entry.get("email")]), ("email",)),
        *_labelled(contact.get("urls"), lambda entry: _joined([entry.get("url")]), ("url",)),
        *_labelled(contact.get("addresses"), _address, _ADDRESS_PARTS),
        _joined([contact.get("birthday")]),
    ]
    others = lines({member: value for member, value in contact.items() if member not in _MEMBERS})
    # A card beside numbers repeats what they say.
    card = [] if phones else lines(contact.get("vcard"))
    return [*filter(None, known), *card, *others]


def _name(name: dict[str, Any]) -> str:
    """The name as the sender's phone shows it, else its parts."""
    return _joined([_member(name, "formatted_name")]) or _joined((_member(name, part) for part in _NAME_PARTS), " ")


def _phone(entry: dict[str, Any]) -> str:
    """The number, and the one on WhatsApp if it differs."""
    phone, on_whatsapp = _joined([entry.get("phone")]), _joined([_member(entry, "wa_id")])
    one, other = digits(phone), digits(on_whatsapp)
    if not on_whatsapp or (one and other and same(one, other)):
        return phone or on_whatsapp
    return f"{phone}, WhatsApp {on_whatsapp}" if phone else f"WhatsApp {on_whatsapp}"


def _address(entry: dict[str, Any]) -> str:
    return _joined(_member(entry, part) for part in _ADDRESS_PARTS)


def _member(holder: dict[str, Any], name: str) -> Any:
    """The member with Meta's name, else with that name in camel case."""
    return holder.get(name, holder.get(_camel(name)))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


type _Read = Callable[[dict[str, Any]], str]


def _labelled(entries: Any, read: _Read, names: tuple[str, ...]) -> list[str]:
    """A line for each entry, with its type."""
    told = []
    for entry in each(entries):
        label = _joined([entry.get("type")]) if isinstance(entry, dict) else ""
        rest = {name: value for name, value in entry.items() if name != "type"} if label else entry
        value = _single(rest, read, names)
        told.append(f"{value} ({label})" if value and label else value)
    return told


def _single(value: Any, read: _Read, names: tuple[str, ...] = ()) -> str:
    """What `read` finds in an object, and all that has none of its `names`; everything in another value."""
    if not isinstance(value, dict):
        return _joined(lines(value))
    known = {form for name in names for form in (name, _camel(name))}
    others = lines({member: inner for member, inner in value.items() if member not in known}) if known else []
    return _joined([read(value), *others]) or _joined(lines(value))


def _joined(values: Iterable[Any], separator: str = ", ") -> str:
    return separator.join(text.strip() for value in values if (text := detail(value)))
