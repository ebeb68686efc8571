import pytest

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.gupshup import codes

ERRORS = {
    "100": 1009,
    "101": 1001,
    "102": 1000,
    "103": 1000,
    "104": 1000,
    "105": 1002,
    "106": 1009,
    "107": 1009,
    "108": 1009,
    "175": 1009,
    "312": 1006,
    "318": 1001,
}


def test_errors_are_those_of_the_table() -> None:
    assert {code: row.error for code, row in codes.ERRORS.items()} == ERRORS
    assert all(row.title and row.listed for row in codes.ERRORS.values())


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("999", "Unlisted error 999"),
        ("", "Unlisted error"),
        ("private words", "Unlisted error"),
        ("27831234567", "Unlisted error"),
    ],
)
def test_unlisted_error(code: str, title: str) -> None:
    row = codes.error(code)

    assert (row.error, row.title, row.listed) == (CallbackError.OTHER, title, False)


CAUSES = {
    "ABSENT_SUBSCRIBER": (1005, {"001"}),
    "CALL_BARRED": (1009, {"002"}),
    "UNKNOWN_SUBSCRIBER": (1002, {"003", "023"}),
    "SERVICE_DOWN": (1009, {"004"}),
    "SYSTEM_FAILURE": (1009, {"005"}),
    "DND_FAIL": (1006, {"006"}),
    "BLOCKED": (1006, {"007"}),
    "DND_TIMEOUT": (1006, {"008"}),
    "OUTSIDE_WORKING_HOURS": (1009, {"009"}),
    "OTHER": (1009, {"00a", "014", "015", "016", "017", "018", "019", "01a", "01b", "01c", "020", "024"}),
    "BLOCKED_MASK": (1006, {"00b"}),
    "SMSCTIMEDOUT": (1009, {"00c"}),
    "CANCEL_CAUSEID": (1009, {"00d"}),
    "CANCEL_SCHEDULE": (1009, {"00e"}),
    "DEFERRED": (1005, {"010"}),
    "INBOXFULL": (1009, {"011"}),
    "CONGESTION": (1009, {"012"}),
    "NO_ACK_FROM_OPERATOR": (1009, {"013"}),
    "BLOCKED_FOR_USER": (1006, {"022"}),
    "MSG_DOES_NOT_MATCH_TEMPLATE": (1001, {"038"}),
}


def test_causes_are_those_of_the_table() -> None:
    assert {name: (row.error, set(row.codes)) for name, row in codes.CAUSES.items()} == CAUSES
    assert len(codes.CAUSES_BY_CODE) == sum(len(known) for _, known in CAUSES.values())


@pytest.mark.parametrize(("name", "expected"), CAUSES.items(), ids=CAUSES.keys())
def test_cause_by_its_name_and_by_each_of_its_codes(name: str, expected: tuple[int, set[str]]) -> None:
    error, known = expected

    assert codes.cause(name, "").error == error
    for code in known:
        for given in ("", "OTHER", name):
            row = codes.cause(given, code)
            assert (row.cause, row.error, row.listed) == (name, error, True)


@pytest.mark.parametrize(
    ("name", "code", "error", "title", "listed"),
    [
        ("BLOCKED_BY_USER", "999", 1006, "The number is blocked", True),
        ("DND_LIST", "", 1006, "The number does not want to be disturbed", True),
        ("BLOCKED_FOR_NOW", "009", 1006, "The number is blocked", True),
        ("UNKNOWN_SUBSCRIBER", "001", 1002, "Unknown number", True),
        ("SOMETHING_NEW", "003", 1002, "Unknown number", True),
        ("SOMETHING_NEW", "777", 1009, "Unlisted cause 777", False),
        ("SOMETHING_NEW", "", 1009, "Unlisted cause", False),
        ("PRIVATE WORDS", "PRIVATE WORDS", 1009, "Unlisted cause", False),
        ("", "", 1009, "Unlisted cause", False),
    ],
)
def test_causes_beyond_the_table(name: str, code: str, error: int, title: str, listed: bool) -> None:
    row = codes.cause(name, code)

    assert (row.error, row.title, row.listed) == (error, title, listed)


def test_statuses() -> None:
    assert codes.STATUSES == {
        "SENT": "sent",
        "DELIVERED": "delivered",
        "READ": "read",
        "FAILED": "failed",
        "SUCCESS": "delivered",
        "FAILURE": "failed",
        "UNDELIV": "failed",
        "EXPIRED": "failed",
        "UNKNOWN": "accepted",
    }
    assert codes.SUCCESSES == {"000": "delivered", "025": "sent", "026": "read"}
