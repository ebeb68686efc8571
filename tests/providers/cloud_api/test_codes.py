import pytest

from whatsapp_bridge.providers.cloud_api import codes

STATUSES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
    "deleted": None,
}


@pytest.mark.parametrize("name", STATUSES)
def test_status(name: str) -> None:
    row = codes.status(name)

    assert (row.name, row.status) == (name, STATUSES[name])
    assert row.title


def test_a_status_in_another_spelling() -> None:
    assert codes.status(" Delivered ") == codes.status("delivered")


def test_no_status_is_left_out() -> None:
    assert set(codes.STATUSES) == set(STATUSES)


@pytest.mark.parametrize("name", ["warning", "", "SENT OUT", None, 7, ["sent"], {}])
def test_unknown_status_has_no_meaning(name: object) -> None:
    assert codes.status(name) == ("", None, "unknown status")


# (what to do, 10xx): Meta's errors.
ERRORS: dict[tuple[str, int], list[int]] = {
    ("throttle", 1004): [4, 80007, 130429, 131056],
    ("retry", 1009): [1, 131000, 131057],
    ("overload", 1009): [2, 131016, 133004],
    ("retry", 1001): [131053],
    ("reject", 1001): [
        100,
        131008,
        131009,
        131051,
        131052,
        132000,
        132001,
        132005,
        132007,
        132008,
        132012,
        132015,
        132016,
        132068,
        132069,
        135000,
    ],
    ("reject", 1002): [131021, 131062],
    ("reject", 1005): [131026, 131030],
    ("reject", 1006): [131050],
    ("reject", 1007): [131036],
    ("reject", 1008): [470, 131047],
    ("reject", 1009): [137000],
    ("reject", 1010): [130472, 130497, 131049],
    ("stop", 1000): [0, 3, 10, 190, 131005],
    ("stop", 1009): [33, 131037, 131042, 131045, 131063, 133010, 134011],
    ("stop", 1010): [368, 131031, 131048, 131064],
}


@pytest.mark.parametrize("meaning", ERRORS, ids=str)
def test_error(meaning: tuple[str, int]) -> None:
    rows = [codes.error(code) for code in ERRORS[meaning]]

    assert {(row.reaction, row.error) for row in rows} == {meaning}
    assert all(row.listed and row.title for row in rows)


def test_no_error_is_left_out() -> None:
    assert sorted(codes.ERRORS) == sorted(code for listed in ERRORS.values() for code in listed)


@pytest.mark.parametrize("code", [200, 201, 250, 299])
def test_permission_errors_are_one_range(code: int) -> None:
    row = codes.error(code)

    assert (row.code, row.reaction, row.error, row.listed) == (code, "stop", 1000, True)


@pytest.mark.parametrize("code", [-1, 5, 199, 300, 131001, 999_999, 10**30])
def test_unlisted_error(code: int) -> None:
    row = codes.error(code, "private")

    assert (row.code, row.reaction, row.error, row.listed) == (code, "reject", 1009, False)
    assert str(code) in row.title
    assert "private" not in row.title


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        (100, "The parameter to is required.", 1002),
        (100, "Param template: no such parameter", 1001),
        (100, "", 1001),
        (131008, "Parameter 'to' is missing", 1002),
        (131009, "Parameter value is not valid: Recipient phone number", 1002),
        (131009, "The parameter to", 1002),
        (131009, "The parameter tone", 1001),
        (131026, "The parameter to is required.", 1005),
    ],
)
def test_details_tell_that_it_is_the_recipient(code: int, details: str, expected: int) -> None:
    assert codes.error(code, details).error == expected


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        ({"code": 131026}, 131026),
        ({"code": "131026", "title": "x"}, 131026),
        ({"code": 131009, "error_data": {"details": "Parameter 'to'"}}, 131009),
        ({"code": 131051, "details": "Message type is not currently supported"}, 131051),
        ({"code": 131026, "error_data": "private"}, 131026),
        ({"code": 100, "error_subcode": 33}, 33),
        ({"code": 100, "error_subcode": 2494010}, 100),
        ({"code": 131009, "error_subcode": 33}, 131009),
        ({"title": "x"}, None),
        ({"code": True}, None),
        ("private", None),
        (None, None),
        ([], None),
    ],
)
def test_error_objects_of_both_eras(holder: object, expected: int | None) -> None:
    row = codes.error_of(holder)

    assert (row.code if row else None) == expected
