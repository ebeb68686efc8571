"""Which numbers are possible in their countries."""

from pathlib import Path

import pytest

from local.countries import with_table
from whatsapp_bridge.accounts import countries


def test_the_table_is_that_of_the_library() -> None:
    source = Path(countries.__file__).read_text()

    assert with_table(source) == source, "run: .venv/bin/python -m local.countries"


@pytest.mark.parametrize(
    ("country", "code"),
    [("27", "27"), ("+27", "27"), ("ZA", "27"), ("za", "27"), ("GG", "44"), ("KZ", "7"), ("CA", "1"), ("883", "883")],
)
def test_a_country_is_named_by_its_calling_code_or_its_iso_code(country: str, code: str) -> None:
    assert countries.code_of(country) == code


@pytest.mark.parametrize("country", ["", "+", "999", "XX", "Z", "ZAF", "South Africa", "027", "++27"])
def test_no_country(country: str) -> None:
    assert countries.code_of(country) is None


def test_no_calling_code_begins_with_another() -> None:
    codes = set(countries._ROWS)

    assert not [code for code in codes for size in range(1, len(code)) if code[:size] in codes]
