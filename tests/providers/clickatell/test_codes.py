import pytest

from whatsapp_bridge.providers.clickatell import codes

# CleverTap's meaning: Clickatell's statuses, without the "failed" that every 10xx implies.
STATUSES: dict[str | int, list[int]] = {
    "accepted": [2, 3],
    "sent": [4],
    "delivered": [5],
    "read": [6],
    1001: [80, 81, 82, 83, 84, 85, 134, 135, 136, 137, 138, 140, 141, 142, 143, 144, 145, 146, 147, 148],
    1004: [133],
    1005: [20, 29],
    1007: [149],
    1008: [131],
    1009: [1, 21, 22, 23, 24, 25, 26, 27, 28, 60, 61, 100, 130],
    1010: [132, 139],
}


@pytest.mark.parametrize("meaning", STATUSES, ids=str)
def test_status(meaning: str | int) -> None:
    rows = [codes.status(code) for code in STATUSES[meaning]]

    expected = ("failed", meaning) if isinstance(meaning, int) else (meaning, None)
    assert {(row.status, row.error) for row in rows} == {expected}
    assert all(row.listed and row.title and row.name for row in rows)


def test_no_status_is_left_out() -> None:
    assert sorted(codes.STATUSES) == sorted(code for listed in STATUSES.values() for code in listed)
    assert sorted(codes.STATUSES) == [*range(1, 7), *range(20, 30), 60, 61, *range(80, 86), 100, *range(130, 150)]


@pytest.mark.parametrize("code", [0, -1, 7, 30, 99, 150, 10**30])
def test_unlisted_status_is_a_failure(code: int) -> None:
    row = codes.status(code)

    assert (row.code, row.status, row.error, row.listed) == (code, "failed", 1009, False)
    assert str(code) in row.title


NAMED = {
    "STOP_MARKETING_MESSAGES": 1006,
    "EXCESSIVE_MESSAGES_TO_RECIPIENT": 1004,
    "MEDIA_TYPE_NOT_SUPPORTED": 1001,
    "ENCRYPTION_VALIDATION_ERROR": 1009,
    "ANONYMOUS_USER_ID_INVALID": 1009,
    "ANONYMOUS_USER_ID_ERROR": 1009,
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("code", [None, 999])
def test_statuses_without_numbers(name: str, code: int | None) -> None:
    row = codes.status(code, name)

    assert (row.code, row.name, row.status, row.error, row.listed) == (None, name, "failed", NAMED[name], True)


def test_every_name_finds_its_row() -> None:
    assert set(codes.STATUSES_BY_NAME) == {row.name for row in codes.STATUSES.values()} | set(NAMED)
    for row in codes.STATUSES.values():
        assert codes.status(None, row.name.lower()) == row


@pytest.mark.parametrize("code", [None, 999])
@pytest.mark.parametrize("name", ["BRAND_NEW", "ANONYMOUS_USER_ID_OTHER"])
def test_a_status_that_nobody_lists_has_its_name_in_the_title(name: str, code: int | None) -> None:
    row = codes.status(code, name)

    assert (row.name, row.title, row.status, row.error, row.listed) == (
        name,
        f"Unlisted status {name}",
        "failed",
        1009,
        False,
    )


@pytest.mark.parametrize("name", ["private words", "PRIVATE+27831234567", "", "A" * 65])
def test_what_is_no_name_is_in_no_title(name: str) -> None:
    assert codes.status(777, name).title == "Unlisted status 777"


# (what to do, 10xx, 200x): Clickatell's errors.
ERRORS: dict[tuple[str, int], list[int]] = {
    ("stop", 1000): [1, 2, 3, 7],
    ("stop", 1009): [20, 38, 39, 44, 45, 46],
    ("reject", 1001): [23, 24, 30, 31, 32],
    ("media_lost", 1001): [33],
    ("reject", 1002): [25],
    ("reject", 1005): [27, 28],
    ("reject", 1006): [26],
    ("reject", 1009): [40, 41, 42],
    ("split", 1001): [21],
    ("too_much", 1009): [22],
    ("internal", 1009): [18],
    ("overload", 1009): [19],
    ("throttle", 1004): [43],
}


def test_statuses_about_the_account_raise_an_alarm() -> None:
    assert {code for code in codes.STATUSES if codes.status(code).alarm} == {25, 130}


@pytest.mark.parametrize("meaning", ERRORS, ids=str)
def test_error(meaning: tuple[str, int]) -> None:
    rows = [codes.error(code) for code in ERRORS[meaning]]

    assert {(row.reaction, row.error) for row in rows} == {meaning}
    assert all(row.listed and row.title for row in rows)


def test_no_error_is_left_out() -> None:
    assert sorted(codes.ERRORS) == sorted(code for listed in ERRORS.values() for code in listed)
    reserved = {29, 34, 35, 36, 37}
    assert sorted(codes.ERRORS) == [1, 2, 3, 7, *(code for code in range(18, 47) if code not in reserved)]


@pytest.mark.parametrize("code", [0, 4, 29, 35, 47, 900])
def test_unlisted_error_is_a_rejection(code: int) -> None:
    row = codes.error(code)

    assert (row.code, row.reaction, row.error, row.listed) == (code, "reject", 1009, False)


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        (23, "Invalid or missing parameter: to .", 1002),
        (23, "Invalid or missing parameter: to", 1002),
        (23, "Invalid or missing parameter: messages[3].to", 1002),
        (23, "Invalid or missing parameter: content", 1001),
        (23, "Invalid or missing parameter: template.to", 1001),
        (23, "Invalid or missing parameter: photo", 1001),
        (23, "", 1001),
        (24, "Invalid or missing parameter: to", 1001),
    ],
)
def test_missing_recipient_is_told_from_other_parameters(code: int, description: str, expected: int) -> None:
    row = codes.error(code, description)

    assert row.error == expected
    assert row.listed


def test_titles_hold_no_placeholder() -> None:
    titles = [row.title for row in (*codes.STATUSES.values(), *codes.ERRORS.values())]

    assert [title for title in titles if "MSISDN" in title or "xx" in title or title.endswith((" ", ":", "."))] == []
