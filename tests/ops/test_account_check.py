"""`bridge account check`: all mistakes at once, each with its place; the schema says the same."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from ops import schemas
from ops.accounts import schema
from ops.accounts.check import Mistake, mistakes, problems_of
from ops.accounts.positions import Position
from ops.app import app
from tests.providers.clickatell import samples as clickatell
from tests.providers.clickatell_legacy import samples as legacy
from tests.providers.gupshup import samples as gupshup
from tests.providers.message_central import samples as central
from tests.providers.meta import samples as meta
from whatsapp_bridge.accounts.account import AccountInvalid
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account

RUN = CliRunner()
SAMPLES = {
    "clickatell": clickatell.secret(),
    "clickatell_legacy": legacy.secret(),
    "gupshup": gupshup.secret(),
    "message_central": central.secret(),
    "meta": meta.secret(),
}
BAD = """{
  "waba_number": "27999000001",
  "clevertap": {
    "authorization": [{"type": "basic", "username": "acme"}, {"type": "odd"}],
    "status_url": "http://clevertap.example/?private",
\t"incoming_url": "REPLACE-by-the-URL"
  },
  "callback_token": ["short", "REPLACE"],
  "provider": {"type": "meta", "api_key": "private"},
  "options": {"default_country": "??", "media_samples": {"imagee": "https://x.example"}},
  "odd": 1
}
"""


def test_every_bsp_has_a_sample() -> None:
    assert set(SAMPLES) == set(registry.PROVIDERS)


@pytest.mark.parametrize("kind", SAMPLES)
def test_right_account_has_no_mistake(kind: str) -> None:
    assert mistakes("acme", json.dumps(SAMPLES[kind]).encode()) == []


def test_all_mistakes_come_at_once_in_the_order_of_the_text() -> None:
    credentials = "must have the type basic or header"
    token = "must be 32 or more of A-Z a-z 0-9 _ . ~ -"
    placeholder = "is still a placeholder: put in your own value"
    missing = ["phone_number_id", "waba_id", "access_token", "app_secret", "verify_token", "api_version"]
    assert [(each.field, each.reason, each.position) for each in mistakes("acme", BAD.encode())] == [
        ("clevertap.authorization.0.password", "is missing", (4, 23)),
        ("clevertap.authorization.1", credentials, (4, 62)),
        ("clevertap.status_url", "must start with https:// (http:// is for loopback addresses only)", (5, 5)),
        ("clevertap.incoming_url", placeholder, (6, 2)),
        ("callback_token.0", token, (8, 22)),
        ("callback_token.1", placeholder, (8, 31)),
        *[(f"provider.{field}", "is missing", (9, 3)) for field in missing],
        ("provider.api_key", "is not known", (9, 32)),
        (
            "options.default_country",
            "must be a country's calling code (27) or its ISO code of two letters (ZA)",
            (10, 15),
        ),
        ("options.media_samples.imagee", "is not one of the known values", (10, 58)),
        ("odd", "is not known", (11, 3)),
    ]


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        pytest.param('{"a": 1,}', "a name in double quotes is missing", (1, 9), id="comma too many"),
        pytest.param('{\n  "a" 1}', "':' is missing", (2, 7), id="no colon"),
        pytest.param('{"a": 1\n "b": 2}', "',' is missing", (2, 2), id="no comma"),
        pytest.param('{"a": "x', "the text that begins here has no end", (1, 7), id="no quote at the end"),
        pytest.param("", "a value is missing, or is not written as JSON has it", (1, 1), id="empty"),
        pytest.param("{'a': 1}", "a name in double quotes is missing", (1, 2), id="single quotes"),
        pytest.param("{} {}", "something stands behind the end", (1, 4), id="two values"),
        pytest.param("[" * 200, "is nested too deep", (1, 102), id="nested too deep"),
    ],
)
def test_text_that_is_no_json(text: str, reason: str, position: tuple[int, int]) -> None:
    assert mistakes("acme", text.encode()) == [Mistake("secret", f"must be JSON: {reason}", Position(*position))]


def test_member_that_stands_twice() -> None:
    text = json.dumps(SAMPLES["clickatell"])[:-1] + ', "waba_number": "27999000001"}'

    (found,) = mistakes("acme", text.encode())

    assert (found.field, found.reason) == ("waba_number", "stands here twice")
    assert found.position == Position(1, text.rindex('"waba_number"') + 1)


def test_json_of_an_editor_is_read_as_the_functions_read_it() -> None:
    text = "\ufeff" + json.dumps(SAMPLES["gupshup"], indent=1).replace('"gupshup"', '" gupshup\\n"')

    assert mistakes("acme", text.encode()) == []
    assert mistakes("acme", text[1:].encode("utf-16")) == []


def test_secret_that_is_too_large_for_secrets_manager() -> None:
    found = mistakes("acme", json.dumps(SAMPLES["meta"] | {"odd": "x" * 65_536}).encode())

    assert [each.reason for each in found] == ["is larger than 65536 bytes, which Secrets Manager does not take"]


def _broken(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every account that one missing or wrong value makes."""
    made: list[tuple[tuple[str | int, ...], Any]] = []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        made += [((*place, name), wrong) for wrong in (None, 17, "REPLACE-it", {"odd": 1})]
        made += _broken(member, (*place, name))
    return made


def _with(value: Any, place: tuple[str | int, ...], wrong: Any) -> Any:
    changed = deepcopy(value)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = wrong
    return changed


@pytest.mark.parametrize("kind", SAMPLES)
def test_mistakes_are_found_where_the_functions_find_one(kind: str) -> None:
    for place, wrong in _broken(SAMPLES[kind]):
        secret = _with(SAMPLES[kind], place, wrong)
        try:
            parse_account("acme", secret)
            first = None
        except AccountInvalid as error:
            first = (error.field, error.reason)
        found = [(".".join(map(str, each.place)) or "secret", each.reason) for each in problems_of(secret)]
        assert (first is None) == (found == []), (place, wrong)
        assert first is None or first in found, (place, wrong)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "acme.json"
    file.write_text(BAD, encoding="utf-8")
    return file


def test_command_says_where_as_editors_take_it(bad: Path) -> None:
    done = RUN.invoke(app, ["account", "check", str(bad)])

    lines = done.stdout.splitlines()
    assert (done.exit_code, lines[-1]) == (1, f"{bad}: 16 mistakes")
    assert lines[0] == f"{bad}:4:23: clevertap.authorization.0.password is missing"
    assert "private" not in done.stdout + done.stderr


def test_command_says_it_as_json(bad: Path) -> None:
    done = RUN.invoke(app, ["account", "check", str(bad), "--json"])

    told = json.loads(done.stdout)
    assert (done.exit_code, len(told["mistakes"])) == (1, 16)
    assert told["mistakes"][-1] == {"field": "odd", "reason": "is not known", "line": 11, "column": 3}


def test_right_file_needs_no_stack_and_ends_with_0(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(SAMPLES["meta"]), encoding="utf-8")

    done = RUN.invoke(app, ["account", "check", str(file)])

    assert (done.exit_code, done.stdout) == (0, f"{file}: right\n")


def test_missing_file_ends_with_2() -> None:
    done = RUN.invoke(app, ["account", "check", "nothing.json"])

    assert (done.exit_code, done.stderr) == (2, "error: nothing.json: No such file or directory\n")


def test_version() -> None:
    assert RUN.invoke(app, ["--version"]).stdout == "bridge 0.1.0\n"


# --- the schema ------------------------------------------------------------------------------------------------------

SCHEMA = Draft202012Validator(schema.schema())


def test_written_schema_is_current() -> None:
    file = schemas.FOLDER / "account.schema.json"
    assert file.read_text(encoding="utf-8") == schemas.written(file.name), "run `python -m ops.schemas`"


def test_schema_is_one_and_is_printed() -> None:
    Draft202012Validator.check_schema(schema.schema())

    assert json.loads(RUN.invoke(app, ["account", "schema"]).stdout) == schema.schema()


@pytest.mark.parametrize("kind", SAMPLES)
def test_schema_takes_right_accounts(kind: str) -> None:
    several = SAMPLES[kind] | {"callback_token": ["t" * 40, "u" * 40], "options": {"default_country": 27}}
    without = {name: member for name, member in SAMPLES[kind].items() if name != "options"}

    for secret in (SAMPLES[kind], several, without):
        parse_account("acme", secret)
        assert list(SCHEMA.iter_errors(secret)) == []


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"odd": 1}, id="unknown member"),
        pytest.param({"waba_number": None}, id="no number"),
        pytest.param({"provider": {"type": "odd"}}, id="unknown BSP"),
        pytest.param({"options": {"template_checks": "maybe"}}, id="unknown word"),
        pytest.param({"callback_token": []}, id="no token"),
    ],
)
def test_schema_refuses_what_the_functions_refuse(kind: str, change: dict[str, Any]) -> None:
    secret = SAMPLES[kind] | change
    with pytest.raises(AccountInvalid):
        parse_account("acme", secret)

    assert list(SCHEMA.iter_errors(secret)) != []
