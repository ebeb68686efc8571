"""`python -m local.countries`: writes the table of `accounts/countries.py` from the metadata of phonenumberslite.

`send` looks at every number. The library takes tens of milliseconds to import, the table microseconds.
"""

import sys
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneMetadata

from whatsapp_bridge.accounts import countries

MODULE = Path(countries.__file__)
BEGIN, END = "# <table>\n", "# </table>\n"

# The library's name for satellites and other services that belong to no country.
_NO_REGION = "001"
# WhatsApp keeps the 1 that mobile numbers of Mexico had until 2019.
_ALSO = {52: {11}}


def _metadata(code: int, region: str) -> PhoneMetadata:
    if region == _NO_REGION:
        found = PhoneMetadata.metadata_for_nongeo_region(code)
    else:
        found = PhoneMetadata.metadata_for_region(region)
    assert found is not None
    return found


def _lengths(code: int) -> set[int]:
    """Of numbers that a person may have: not of toll-free and other services."""
    lengths = set(_ALSO.get(code, ()))
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        data = _metadata(code, region)
        kinds = (data.fixed_line, data.mobile, data.voip, data.personal_number)
        of_people = {length for kind in kinds if kind for length in kind.possible_length if length > 0}
        lengths |= of_people or _all_lengths(data)
    # E.164: 15 digits with the calling code.
    return {length for length in lengths if length + len(str(code)) <= 15}


def _all_lengths(data: PhoneMetadata) -> set[int]:
    assert data.general_desc is not None
    return set(data.general_desc.possible_length)


def _row(code: int) -> str:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    trunk = _metadata(code, regions[0]).national_prefix or ""
    names = " ".join(region for region in regions if region != _NO_REGION)
    return f'    "{code}": ({tuple(sorted(_lengths(code)))}, "{trunk}", "{names}"),\n'


def with_table(source: str) -> str:
    """The module with the table of this version of phonenumberslite."""
    head, _, rest = source.partition(BEGIN)
    _, _, tail = rest.partition(END)
    rows = "".join(_row(code) for code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE, key=str))
    return f"{head}{BEGIN}_ROWS: Final = {{\n{rows}}}\n{END}{tail}"


if __name__ == "__main__":
    MODULE.write_text(with_table(MODULE.read_text()))
    sys.stdout.write(f"{MODULE}: written\n")
