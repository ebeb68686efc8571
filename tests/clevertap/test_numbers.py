"""Phone numbers as CleverTap's customers have them: which number they are, or that they are none."""

import json
import sys

import pytest

from tests.clevertap.payloads import template
from whatsapp_bridge.clevertap.numbers import recipient_number
from whatsapp_bridge.clevertap.reading import InvalidMessage, parse_message, read_message

NUMBER = "27820000001"
BRITISH = "447700900123"

READ = {
    "digits": ("27820000001", NUMBER),
    "plus": ("+27820000001", NUMBER),
    "00": ("0027820000001", NUMBER),
    "a JSON number": (27820000001, NUMBER),
    # Out of spreadsheets.
    "one zero behind the point": ("27820000001.0", NUMBER),
    "two": ("27820000001.00", NUMBER),
    "with a plus": ("+27820000001.0", NUMBER),
    "a decimal comma": ("27820000001,0", NUMBER),
    "groups, and a point": ("+27 82 000 0001.0", NUMBER),
    "another fraction": ("27820000001.5", None),
    "another fraction that begins with 0": ("27820000001.05", None),
    "three zeros": ("27820000001.000", None),
    "an exponent": ("2.7820000001E+10", None),
    "a fraction that may be a group": ("+33 6 12 34 56.00", None),
    "three zeros that may be a group": ("+49 151 2345678.000", None),
    "a JSON number with a fraction": (27820000001.0, None),
    # Where numbers have several lengths, a digit more would be another's.
    "a blank behind the point": ("4915112345678. 0", "4915112345678"),
    "a point behind the fraction": ("4915112345678.0.", "4915112345678"),
    "two points": ("4915112345678..0", None),
    "a blank in front of an ending": ("+49 30 123456/ 7", None),
    "a full-width fraction": ("4915112345678\uff0e\uff10", "4915112345678"),
    # Points between groups are separators.
    "points": ("+27 82.000.0001", NUMBER),
    "points alone": ("27.82.000.0001", NUMBER),
    "a point before the last group": ("+27 (82) 000-00.01", NUMBER),
    "points between groups of two": ("+33.6.12.34.56.00", "33612345600"),
    "points, and a fraction": ("27.82.000.0001.0", None),
    # The zero that is dialled within the country.
    "a zero in brackets": ("+44 (0)7700 900123", BRITISH),
    "without blanks": ("+44(0)7700900123", BRITISH),
    "without a plus": ("44 (0) 7700 900123", BRITISH),
    "behind 00": ("0044 (0)7700 900123", BRITISH),
    "a zero without brackets": ("+44 07700 900123", None),
    "a zero in brackets behind an area code": ("+44 7700 (0) 900123", None),
    "a zero in brackets where the zero is dialled from abroad too": ("+39 (0)6 1234567", None),
    "two zeros in brackets": ("+44 (0)7700 (0)900123", None),
    "a zero in brackets alone": ("(0)7700 900123", None),
    # What people copy along.
    "direction marks": ("\u202a+27 82 000 0001\u202c", NUMBER),
    "a zero-width space": ("+27\u200b820000001", NUMBER),
    "a variation selector": ("+27\ufe0e820000001", NUMBER),
    "keycaps": ("+2\ufe0f\u20e37\ufe0f\u20e3820000001", NUMBER),
    "a byte-order mark": ("\ufeff+27820000001", NUMBER),
    "a soft hyphen": ("+2782\u00ad0000001", NUMBER),
    "no-break hyphens": ("+27\u201182\u2011000\u20110001", NUMBER),
    "en dashes": ("+27 82\u2013000\u20130001", NUMBER),
    "em dashes": ("+27\u201482\u20140000001", NUMBER),
    "minus signs": ("+27\u221282\u22120000001", NUMBER),
    "hyphen bullets": ("+27\u204382\u20430000001", NUMBER),
    "modifier minus signs": ("+27\u02d782\u02d70000001", NUMBER),
    "superscript minus signs": ("+27\u207b82\u207b0000001", NUMBER),
    "subscript minus signs": ("+27\u208b82\u208b0000001", NUMBER),
    "swung dashes": ("+27\u205382\u20530000001", NUMBER),
    "long vowel marks of a Japanese keyboard": ("+81\u30fc90\u30fc1234\uff705678", "819012345678"),
    "no-break spaces": ("+27\u00a082\u202f000 0001", NUMBER),
    "slashes": ("+27/82/0000001", NUMBER),
    "full-width": (
        "\uff0b\uff12\uff17\uff08\uff18\uff12\uff09\uff10\uff10\uff10\uff0f\uff10\uff10\uff10\uff11",
        NUMBER,
    ),
    "a footnote": ("+27820000001\u00b2", None),
    "a half": ("+27820000001\u00bd", None),
    "two endings": ("+49 30 123456/7", None),
    "two numbers": ("27820000001/27820000002", None),
    "words": ("call 27820000001", None),
    "an extension": ("+27 82 000 0001 ext 5", None),
    # What no country has.
    "without its country code": ("820000001", None),
    "with a zero in front": ("0820000001", None),
    "a digit short": ("91980000000", None),
    "a digit more": ("9198000000012", None),
    "no such country": ("+999820000001", None),
    # What WhatsApp calls differently from telephone books.
    "Mexico, with WhatsApp's 1": ("5215512345678", "5215512345678"),
    "Argentina, with its 9": ("5491123456789", "5491123456789"),
    "Brazil, without its ninth digit": ("551187654321", "551187654321"),
}


@pytest.mark.parametrize(("given", "number"), READ.values(), ids=READ.keys())
def test_a_number_is_read_or_refused_and_never_becomes_another(given: object, number: str | None) -> None:
    assert recipient_number(given) == number
    if number is None:
        with pytest.raises(InvalidMessage) as caught:
            parse_message(json.dumps(template(to=given)))
        assert (caught.value.code, caught.value.field) == (2002, "to")
    else:
        assert parse_message(json.dumps(template(to=given))).to == number


AT_HOME = {
    "with the country's zero": ("0820000001", "27", "27820000001"),
    "without it": ("820000001", "27", "27820000001"),
    "with the zero in brackets": ("(0)82 000 0001", "27", "27820000001"),
    "of a spreadsheet": ("820000001.0", "27", "27820000001"),
    "with its country code": ("27820000001", "27", "27820000001"),
    "of another country, with a plus": ("+447700900123", "27", BRITISH),
    "of another country, with 00": ("00447700900123", "27", BRITISH),
    "of another country, without either": ("447700900123", "27", BRITISH),
    "not possible in either": ("1234", "27", None),
    "with a plus, and not possible": ("+820000001", "27", None),
    "India": ("9800000001", "91", "919800000001"),
    "India, with digits that look like its code": ("9195551234", "91", "919195551234"),
    "United States": ("(415) 555-2671", "1", "14155552671"),
    "United States, with digits that look like India's code": ("9195551234", "1", "19195551234"),
    "United States, with its 1": ("1 415 555 2671", "1", "14155552671"),
    "Russia, with its 8": ("8 912 345-67-89", "7", "79123456789"),
    "Russia, with an area code that begins with 8": ("812 345 67 89", "7", "78123456789"),
    "Hungary, with its 06": ("06 30 123 4567", "36", "36301234567"),
    "Italy, whose zero belongs to the number": ("06 1234 5678", "39", "390612345678"),
    "Mexico, with digits that look like Brazil's code": ("5512345678", "52", "525512345678"),
    "of the Netherlands, and as long as Germany's": ("31612345678", "49", "31612345678"),
    "of Zurich, and as one of Germany": ("41443456789", "49", None),
}


@pytest.mark.parametrize(("given", "country", "number"), AT_HOME.values(), ids=AT_HOME.keys())
def test_a_number_without_a_country_code_is_completed_where_the_account_says_so(
    given: str, country: str, number: str | None
) -> None:
    assert recipient_number(given, country) == number


def test_the_library_is_loaded_only_for_what_the_table_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    numbers = [recipient_number(given, "27") for given in ("0820000001", "27820000001", "+447700900123", "1234")]

    assert numbers == [NUMBER, NUMBER, BRITISH, None]


@pytest.mark.parametrize("number", ["820000001", "0820000001", "(0)82 000 0001"])
def test_what_to_do_about_a_number_without_its_country_code_is_said(number: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse_message(json.dumps(template(to=number)))

    assert "country code" in caught.value.reason
    assert "default_country" in caught.value.reason


@pytest.mark.parametrize("waba_number", ["27999000001.0", "\u202a+27 99 900 0001\u202c", "+27 (0)99 900 0001"])
def test_the_accounts_own_number_is_read_in_the_same_way(waba_number: str) -> None:
    assert parse_message(json.dumps(template(wabaNumber=waba_number))).waba_number == "27999000001"


def test_an_accounts_own_number_may_come_without_its_country_code() -> None:
    assert parse_message(json.dumps(template(wabaNumber="999000001"))).waba_number == "999000001"


def test_a_validation_of_a_saved_template_may_have_any_number() -> None:
    assert parse_message(json.dumps(template(to="+91999645754", msgId="0|0|0|0"))).to == "91999645754"


def test_a_message_that_was_accepted_before_is_still_read() -> None:
    assert read_message(template(to="820000001")).to == "820000001"
