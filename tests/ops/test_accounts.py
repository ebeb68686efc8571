"""`bridge account ...` on a stack: stored, shown, rotated, removed, made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.accounts import rotating
from ops.accounts.shown import masked
from tests.ops.operator import Operator
from tests.ops.test_account_check import SAMPLES
from tests.support.world import World, template, world
from whatsapp_bridge.providers.accounts import parse_account


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def bridge(made: World, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(made, monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(SAMPLES["clickatell"]), encoding="utf-8")
    return file


def stored(bridge: Operator, name: str) -> Any:
    return json.loads(bridge.world.secrets.get_secret_value(SecretId=f"test/accounts/{name}")["SecretString"])


# --- put -------------------------------------------------------------------------------------------------------------


def test_new_account_is_stored(bridge: Operator, file: Path) -> None:
    done = bridge("account", "put", str(file))

    assert (done.exit_code, done.stdout) == (0, "shop: stored\n")
    assert stored(bridge, "shop") == SAMPLES["clickatell"]
    assert bridge.world.accept._accounts.get("shop") is not None


def test_account_with_mistakes_is_not_stored(bridge: Operator, file: Path) -> None:
    file.write_text(json.dumps(SAMPLES["clickatell"] | {"odd": 1}), encoding="utf-8")

    done = bridge("account", "put", str(file))

    assert (done.exit_code, "odd is not known" in done.stdout) == (1, True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stored(bridge, "shop")


def test_change_is_asked_for_by_the_fields_that_differ(bridge: Operator, file: Path) -> None:
    bridge("account", "put", str(file))
    changed = SAMPLES["clickatell"] | {"waba_number": "27999000002", "options": {"document_copy": True}}
    file.write_text(json.dumps(changed), encoding="utf-8")

    asked = bridge("account", "put", str(file))
    before = stored(bridge, "shop")
    done = bridge("account", "put", str(file), "--yes", "--json")

    assert (asked.exit_code, before) == (2, SAMPLES["clickatell"])
    assert "test has shop. Change options.document_copy, waba_number?" in asked.stderr
    told = json.loads(done.stdout)
    assert told == {"account": "shop", "stored": True, "changed": ["options.document_copy", "waba_number"]}
    assert stored(bridge, "shop") == changed


def test_change_of_somebody_else_meanwhile_is_not_overwritten(
    bridge: Operator, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge("account", "rotate", "acme", "clevertap")
    other = stored(bridge, "acme") | {"waba_number": "27999000003"}
    later(400)

    def slowly(*_: Any, **__: Any) -> None:
        bridge.world.change_account("acme", other)

    monkeypatch.setattr("ops.output.Screen.confirm", slowly)
    done = bridge("account", "rotate", "acme", "clevertap", "--end")

    assert (done.exit_code, "somebody has changed acme meanwhile" in done.stderr) == (5, True)
    assert stored(bridge, "acme") == other


def test_same_account_is_not_stored_again(bridge: Operator, file: Path) -> None:
    bridge("account", "put", str(file))

    assert bridge("account", "put", str(file)).stdout == "shop is the same already\n"


@pytest.mark.parametrize("name", ["Shop", "a b", "x" * 41])
def test_name_that_no_account_can_have(bridge: Operator, file: Path, name: str) -> None:
    assert bridge("account", "put", str(file), "--name", name).exit_code == 2


# --- get, list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_no_secret_is_shown(bridge: Operator, kind: str) -> None:
    bridge.world.put_account("shop", SAMPLES[kind])

    done = bridge("account", "get", "shop")
    private = bridge("account", "get", "shop", "--show-private", "--json")

    assert done.exit_code == 0
    assert "private" not in done.stdout
    assert json.loads(private.stdout) == SAMPLES[kind]


def test_address_keeps_its_host() -> None:
    value = {"status_url": "https://clevertap.example/x?y", "base_url": "https://bsp.example", "odd": ["a", 1, True]}

    assert masked(value) == {
        "status_url": "https://clevertap.example/***",
        "base_url": "https://bsp.example",
        "odd": ["***", 1, True],
    }


def test_account_that_is_not_there(bridge: Operator) -> None:
    done = bridge("account", "get", "shop")

    assert (done.exit_code, done.stderr) == (
        3,
        "error: test has no account shop: `bridge account list` shows those it has\n",
    )


def test_list_names_what_is_broken(bridge: Operator) -> None:
    bridge.world.put_account("broken", SAMPLES["meta"] | {"waba_number": "x"})
    bridge.world.secrets.create_secret(Name="test/accounts/torn", SecretString="{")
    bridge.world.secrets.create_secret(Name="other/accounts/theirs", SecretString="{}")

    told = bridge.told("account", "list")

    assert [(each["name"], each["provider"], [m["field"] for m in each["mistakes"]]) for each in told] == [
        ("acme", "clickatell", []),
        ("broken", "meta", ["waba_number"]),
        ("torn", "", ["secret"]),
    ]


def test_stored_account_is_checked_by_its_name(bridge: Operator) -> None:
    bridge.world.put_account("broken", SAMPLES["meta"] | {"waba_number": "x"})

    assert bridge("account", "check", "acme").exit_code == 0
    assert bridge("account", "check", "broken").exit_code == 1
    assert bridge("account", "check", "nobody").exit_code == 3


# --- rotate ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Moves the operator's clock: moto's versions have the real time."""
    real = rotating.time

    def move(seconds: float) -> None:
        monkeypatch.setattr(rotating, "time", lambda: real() + seconds)

    return move


def test_clevertaps_password_is_rotated_with_an_overlap(bridge: Operator, later: Any) -> None:
    (old,) = stored(bridge, "acme")["clevertap"]["authorization"]

    begun = bridge.told("account", "rotate", "acme", "clevertap")
    login = {row["field"]: row["value"] for row in begun["paste"]}
    overlap = stored(bridge, "acme")
    too_soon = bridge("account", "rotate", "acme", "clevertap", "--end", "--yes")
    later(400)
    asked = bridge("account", "rotate", "acme", "clevertap", "--end")
    old_is_valid = bridge.world.send(template()).body
    ended = bridge("account", "rotate", "acme", "clevertap", "--end", "--yes")

    assert overlap["clevertap"]["authorization"] == [old | {"password": login["Password"]}, old]
    assert (login["User name"], len(login["Password"])) == (old["username"], 64)
    assert (too_soon.exit_code, asked.exit_code, ended.exit_code) == (5, 2, 0)
    assert old_is_valid == '{"status": "success"}'
    # Nothing else has changed.
    overlap["clevertap"]["authorization"].pop()
    assert stored(bridge, "acme") == overlap


def test_header_is_rotated_by_its_value(bridge: Operator) -> None:
    secret = stored(bridge, "acme")
    old = {"type": "header", "name": "x-key", "value": "an-old-value-of-a-header"}
    secret["clevertap"]["authorization"] = [old]
    bridge.world.change_account("acme", secret)

    begun = bridge.told("account", "rotate", "acme", "clevertap")

    (new, kept) = stored(bridge, "acme")["clevertap"]["authorization"]
    assert (kept, new["name"]) == (old, "x-key")
    assert [(row["field"], row["value"]) for row in begun["paste"]][1:] == [
        ("Header", "x-key"),
        ("Value", new["value"]),
    ]


def test_callback_token_is_rotated_with_an_overlap(bridge: Operator, later: Any) -> None:
    begun = bridge.told("account", "rotate", "acme", "callback-token")
    new, old = stored(bridge, "acme")["callback_token"]
    too_soon = bridge("account", "rotate", "acme", "callback-token", "--end", "--yes")
    later(400)
    asked = bridge("account", "rotate", "acme", "callback-token", "--end")
    taken = [bridge.world.callback(b"{}", token=token).status for token in (new, old)]
    ended = bridge("account", "rotate", "acme", "callback-token", "--end", "--yes")

    assert [row["value"] for row in begun["paste"]] == [
        f"https://bridge.example/acme/incoming/{new}",
        f"https://bridge.example/acme/status/{new}",
    ]
    assert old == "t" * 40
    assert (too_soon.exit_code, asked.exit_code, ended.exit_code) == (5, 2, 0)
    assert taken == [200, 200]
    assert stored(bridge, "acme")["callback_token"] == new


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param(["clevertap", "--end"], 1, "nothing to end", id="no overlap"),
        pytest.param(["callback-token", "--end"], 1, "nothing to end", id="one token"),
        pytest.param(["odd"], 2, "", id="nothing of the kind"),
    ],
)
def test_step_that_is_not_due(bridge: Operator, options: list[str], code: int, words: str) -> None:
    before = stored(bridge, "acme")

    done = bridge("account", "rotate", "acme", *options, "--yes")

    assert (done.exit_code, words in done.stderr) == (code, True)
    assert stored(bridge, "acme") == before


@pytest.mark.parametrize("what", ["clevertap", "callback-token"])
def test_second_rotation_waits_for_the_end_of_the_first(bridge: Operator, what: str) -> None:
    bridge("account", "rotate", "acme", what)
    before = stored(bridge, "acme")

    assert bridge("account", "rotate", "acme", what).exit_code == 1
    assert stored(bridge, "acme") == before


# --- remove ----------------------------------------------------------------------------------------------------------


def test_account_is_not_removed_while_messages_wait(bridge: Operator) -> None:
    bridge.world.send(template())

    refused = bridge("account", "remove", "acme", "--yes")
    still_there = stored(bridge, "acme")
    bridge.world.pump()
    asked = bridge("account", "remove", "acme")
    done = bridge("account", "remove", "acme", "--yes")

    assert (refused.exit_code, "campaign 1" in refused.stderr) == (5, True)
    assert still_there
    assert (asked.exit_code, done.exit_code) == (2, 0)
    assert bridge("account", "get", "acme").exit_code == 3


def test_account_is_removed_anyway_and_comes_back(bridge: Operator, tmp_path: Path) -> None:
    bridge.world.send(template())
    secret = stored(bridge, "acme")
    bridge("account", "remove", "acme", "--yes", "--anyway")
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(secret), encoding="utf-8")

    assert bridge("account", "put", str(file)).exit_code == 0
    assert stored(bridge, "acme") == secret


# --- new -------------------------------------------------------------------------------------------------------------

COMMON = ["+27999000005", "https://clevertap.example/status?a", "https://clevertap.example/incoming?a"]
ANSWERS = {
    "clickatell": ["private-key-0001"],
    "clickatell_legacy": ["private-key-0001"],
    "gupshup": ["2000000001", "private one", "2000000002", "private two"],
    "message_central": ["C-1", "private password", "27", ""],
    "meta": ["1055", "1022", "private-token", "private-app-secret", "v23.0"],
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_new_account_of_every_bsp(bridge: Operator, kind: str) -> None:
    answers = "\n".join([*COMMON, *ANSWERS[kind], ""])

    done = bridge("account", "new", "shop", "--provider", kind, "--json", answers=answers)

    assert done.exit_code == 0, done.stderr
    account = parse_account("shop", stored(bridge, "shop"))
    assert account.provider_type == kind
    # The runner shows there what is typed and is not hidden.
    document = done.stdout[done.stdout.index("{") :]
    told = {row["field"]: row["value"] for row in json.loads(document)["paste"]}
    (login,) = account.clevertap.authorization
    assert (told["HTTP endpoint"], told["Mobile number"]) == ("https://bridge.example/shop/send", "27999000005")
    assert (told["User name"], told["Password"]) == ("shop", login.password)  # type: ignore[union-attr]
    assert told["callback URL for replies"].endswith(f"/shop/incoming/{account.callback_tokens[0]}")
    assert "private" not in done.stdout + done.stderr


def test_values_to_paste_are_not_broken_into_lines(bridge: Operator) -> None:
    done = bridge("account", "new", "shop", "--provider", "meta", answers="\n".join([*COMMON, *ANSWERS["meta"], ""]))

    token = stored(bridge, "shop")["callback_token"]
    assert f"  callback URL for replies:  https://bridge.example/shop/incoming/{token}\n" in done.stdout


def test_made_up_secrets_are_never_the_same(bridge: Operator) -> None:
    for name in ("one", "two"):
        bridge("account", "new", name, "--provider", "clickatell", answers="\n".join([*COMMON, "private-key-0001", ""]))

    made = [
        (each["callback_token"], each["clevertap"]["authorization"][0]["password"])
        for each in (stored(bridge, "one"), stored(bridge, "two"))
    ]
    assert len({secret for pair in made for secret in pair}) == 4


def test_wrong_answers_are_asked_for_again_and_the_bsp_is_chosen_by_its_number(bridge: Operator) -> None:
    answers = ["1", "12", "http://clevertap.example", COMMON[2], "a key", COMMON[0], COMMON[1], "private-key-0001", ""]

    done = bridge("account", "new", "shop", answers="\n".join(answers))

    assert done.exit_code == 0, done.stderr
    assert "waba_number must be the number in international form" in done.stderr
    assert stored(bridge, "shop")["provider"] == {"type": "clickatell", "api_key": "private-key-0001"}
    assert stored(bridge, "shop")["waba_number"] == COMMON[0]


@pytest.mark.parametrize(
    ("name", "options", "answers", "code"),
    [
        pytest.param("acme", [], "", 1, id="there already"),
        pytest.param("shop", [], "1\n27999000001\n", 2, id="answers end"),
        pytest.param("shop", ["--provider", "odd"], "", 2, id="unknown BSP"),
        pytest.param("Shop", [], "", 2, id="no name of an account"),
    ],
)
def test_account_that_cannot_be_made(bridge: Operator, name: str, options: list[str], answers: str, code: int) -> None:
    before = bridge.told("account", "list")

    assert bridge("account", "new", name, *options, answers=answers).exit_code == code
    assert bridge.told("account", "list") == before
