import pytest

from whatsapp_bridge.providers.clickatell import codes as one_api
from whatsapp_bridge.providers.clickatell_legacy import codes

# CleverTap's meaning: the legacy API's statuses, without the "failed" that every 10xx implies.
STATUSES: dict[str | int, list[int]] = {
    "accepted": [1, 2, 1001, 1002],
    "sent": [3],
    "delivered": [4],
    "read": [27],
    1001: [30, 31, 32, 33, 34, 50, 2000],
    1004: [16],
    1005: [9, 12, 28, 2001],
    1008: [14],
    1009: [7, 10, 11, 40, 41, 1004, 1005, 1006],
    1010: [15],
}


@pytest.mark.parametrize("meaning", STATUSES, ids=str)
def test_status(meaning: str | int) -> None:
    rows = [codes.status(code) for code in STATUSES[meaning]]

    expected = ("failed", meaning) if isinstance(meaning, int) else (meaning, None)
    assert {(row.status, row.error) for row in rows} == {expected}
    assert all(row.listed and row.title and row.name for row in rows)


def test_no_status_is_left_out() -> None:
    assert sorted(codes.STATUSES) == sorted(code for listed in STATUSES.values() for code in listed)


@pytest.mark.parametrize("code", [0, -1, 5, 6, 8, 13, 29, 131, 1003, 10**30])
def test_unlisted_status_is_a_failure(code: int) -> None:
    row = codes.status(code)

    assert (row.code, row.status, row.error, row.listed) == (code, "failed", 1009, False)


# The page's "Status code comparison": a row of the legacy API, its codes of One API. 7, 10, 11 and 2000 are mapped to
# "multiple" there and stand for the general failure and for media.
MAPPED_STATUSES: dict[int, list[int]] = {
    # One API's 1 on the page, which says something else; see the row.
    1: [],
    2: [2],
    3: [4],
    4: [5],
    7: [23],
    9: [20],
    10: [23],
    11: [23],
    # 28 on the page, which is One API's monthly volume; see the row.
    12: [29],
    14: [131],
    15: [132],
    16: [133],
    27: [6],
    28: [29],
    30: [80],
    31: [81],
    32: [82],
    33: [83],
    34: [84],
    40: [60],
    41: [61],
    50: [134, 135, 136, 137, 138],
    1001: [2],
    1002: [2],
    1004: [28],
    1005: [27],
    1006: [24],
    2000: [80, 81, 82, 83, 84, 85],
    2001: [20],
}


@pytest.mark.parametrize("code", MAPPED_STATUSES)
def test_status_means_what_one_apis_means(code: int) -> None:
    row = codes.status(code)

    for other in map(one_api.status, MAPPED_STATUSES[code]):
        assert other.listed
        assert (row.status, row.error) == (other.status, other.error)


def test_every_status_is_mapped() -> None:
    assert MAPPED_STATUSES.keys() == codes.STATUSES.keys()


# The other direction: a row of One API, its codes of the legacy API. What is "NEW" or "N/A" there is left out.
MAPPED_BACK: dict[int, list[int]] = {
    # The legacy API's 1 on the page; see the row.
    1: [],
    2: [2, 1001, 1002],
    4: [3],
    5: [4],
    6: [27],
    20: [2001, 9],
    24: [1006],
    27: [1005],
    28: [1004],
    29: [28],
    60: [40],
    61: [41],
    80: [30],
    81: [31],
    82: [32],
    83: [33],
    84: [34],
    131: [14],
    132: [15],
    133: [16],
    134: [50],
    135: [50],
    136: [50],
    137: [50],
    138: [50],
}


@pytest.mark.parametrize("code", MAPPED_BACK)
def test_one_apis_status_means_what_the_legacy_apis_means(code: int) -> None:
    row = one_api.status(code)

    for other in map(codes.status, MAPPED_BACK[code]):
        assert other.listed
        assert (row.status, row.error) == (other.status, other.error)


# --- errors ----------------------------------------------------------------------------------------------------------

# (what to do, 10xx, 200x): the legacy API's errors.
ERRORS: dict[tuple[str, int], list[int]] = {
    ("stop", 1000): [1, 2, 3, 7, 109],
    ("stop", 1009): [110, 301],
    ("reject", 1001): [100, 101, 103, 104, 105, 106, 107, 111],
    ("reject", 1002): [102, 150, 151, 152, 158],
    ("reject", 1005): [159, 160],
    ("reject", 1009): [108, 161],
    ("too_much", 1009): [153],
    ("internal", 1009): [900],
    ("overload", 1009): [901],
}


@pytest.mark.parametrize("meaning", ERRORS, ids=str)
def test_error(meaning: tuple[str, int]) -> None:
    rows = [codes.error(code) for code in ERRORS[meaning]]

    assert {(row.reaction, row.error) for row in rows} == {meaning}
    assert all(row.listed and row.title for row in rows)


def test_no_error_is_left_out() -> None:
    assert sorted(codes.ERRORS) == sorted(code for listed in ERRORS.values() for code in listed)


@pytest.mark.parametrize("code", [0, 4, 18, 43, 112, 154, 902])
def test_unlisted_error_is_a_rejection(code: int) -> None:
    row = codes.error(code)

    assert (row.code, row.reaction, row.error, row.listed) == (code, "reject", 1009, False)


# The page's "Error code comparison". One API's 23 says which parameter is wrong; the legacy API has a code for each.
# 108 and 110 have no counterpart. (Its other direction gives 18 for 901 and 19 for 900, against the errors' own texts.)
_RECIPIENT, _ANOTHER = "Invalid or missing parameter: to", "Invalid or missing parameter: content"
MAPPED_ERRORS: dict[int, tuple[int, str]] = {
    1: (1, ""),
    2: (3, ""),
    3: (2, ""),
    7: (7, ""),
    100: (23, _ANOTHER),
    101: (24, ""),
    102: (23, _RECIPIENT),
    103: (30, ""),
    104: (31, ""),
    105: (32, ""),
    106: (23, _ANOTHER),
    107: (23, _ANOTHER),
    109: (7, ""),
    111: (23, _ANOTHER),
    150: (25, ""),
    151: (23, _RECIPIENT),
    152: (23, _RECIPIENT),
    153: (22, ""),
    158: (23, _RECIPIENT),
    159: (27, ""),
    160: (28, ""),
    161: (41, ""),
    301: (20, ""),
    900: (18, ""),
    901: (19, ""),
}


@pytest.mark.parametrize("code", MAPPED_ERRORS)
def test_error_means_what_one_apis_means(code: int) -> None:
    row, other = codes.error(code), one_api.error(*MAPPED_ERRORS[code])

    assert other.listed
    assert (row.reaction, row.error) == (other.reaction, other.error)


def test_every_error_but_two_is_mapped() -> None:
    assert codes.ERRORS.keys() - MAPPED_ERRORS.keys() == {108, 110}


def test_titles_hold_no_placeholder() -> None:
    titles = [row.title for row in (*codes.STATUSES.values(), *codes.ERRORS.values())]

    assert [title for title in titles if "%s" in title or title.endswith((" ", ":", "."))] == []
