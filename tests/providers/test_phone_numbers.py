"""One number in the forms that some countries' numbers have is one number; two numbers stay two."""

import pytest

from tests.support.world import account, keys_of
from whatsapp_bridge.accounts.phone_numbers import canonical, same
from whatsapp_bridge.providers.accounts import parse_account

TWO_FORMS = {
    "Brazil, mobile": ("5511987654321", "551187654321"),
    "Brazil, mobile that began with 6": ("5585961234567", "558561234567"),
    "Mexico": ("5215512345678", "525512345678"),
    "Argentina, Buenos Aires": ("5491123456789", "541123456789"),
    "Argentina, a longer area code": ("5492901234567", "542901234567"),
}


@pytest.mark.parametrize(("longer", "shorter"), TWO_FORMS.values(), ids=TWO_FORMS)
def test_two_forms_of_a_number_are_one(longer: str, shorter: str) -> None:
    assert canonical(longer) == canonical(shorter) == shorter
    assert same(longer, shorter)


OTHERS = {
    "South Africa": ("27820000001", "27820000002"),
    "Brazil, a landline and the mobile number that ends like it": ("551132345678", "5511932345678"),
    "Brazil, another area": ("5511987654321", "551287654321"),
    "Brazil, an area that there is not": ("5501987654321", "550187654321"),
    "Mexico, one digit less": ("521551234567", "52551234567"),
    "Argentina, one digit more": ("54911234567890", "5411234567890"),
    "the same digits in another country": ("5611987654321", "561187654321"),
}


@pytest.mark.parametrize(("one", "other"), OTHERS.values(), ids=OTHERS)
def test_two_numbers_stay_two(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(("longer", "shorter"), TWO_FORMS.values(), ids=TWO_FORMS)
def test_a_person_has_one_pseudonym(longer: str, shorter: str) -> None:
    assert keys_of().pseudonyms(longer) == keys_of().pseudonyms(shorter)


@pytest.mark.parametrize(("longer", "shorter"), TWO_FORMS.values(), ids=TWO_FORMS)
def test_an_account_has_its_number_in_each_form(longer: str, shorter: str) -> None:
    for own, given in ((longer, shorter), (shorter, longer), (longer, longer)):
        assert parse_account("acme", account(waba_number=own)).has_number(given)
