"""Contacts for people, which CleverTap has no message for: for those who call the adapter themselves.

Source: section "Contacts" of the comparison page named in `codes`: at least one
contact, each with a name and one more of the other members. Outbound, a phone has its WhatsApp number in `wa_id`.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from whatsapp_bridge.providers.capabilities import Json


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
        str_min_length=1,
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for _, value in self):
            raise ValueError("an empty object")
        return self

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return []


class Name(_Part):
    """`formatted_name` is what the person's phone shows."""

    formatted_name: str
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    prefix: str | None = None
    suffix: str | None = None


class Organisation(_Part):
    company: str | None = None
    department: str | None = None
    title: str | None = None


class Address(_Part):
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    type: str | None = None


class Email(_Part):
    email: str
    type: str | None = None


class Phone(_Part):
    phone: str
    type: str | None = None
    wa_id: str | None = Field(default=None, alias="wa_id")


class Link(_Part):
    url: str
    type: str | None = None


class Contact(_Part):
    """`birthday` as YYYY-MM-DD."""

    name: Name
    addresses: list[Address] | None = None
    birthday: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")
    emails: list[Email] | None = None
    org: Organisation | None = None
    phones: list[Phone] | None = None
    urls: list[Link] | None = None

    @model_validator(mode="after")
    def _says_more_than_a_name(self) -> Self:
        if not any((self.addresses, self.birthday, self.emails, self.org, self.phones, self.urls)):
            raise ValueError("a contact needs a name and one more member")
        return self


def contacts_message(to: str, reference: str, contacts: Sequence[Contact]) -> Json:
    """The message object for `messages[]` of POST /v1/message, in clear; `to` in digits. Raises `ValueError`."""
    if not (to.isascii() and to.isdigit()):
        raise ValueError("to: must be digits")
    if not contacts:
        raise ValueError("contacts: at least one is needed")
    listed = [contact.model_dump(by_alias=True, exclude_none=True) for contact in contacts]
    return {"channel": "whatsapp", "to": to, "clientMessageId": reference, "contacts": listed}
