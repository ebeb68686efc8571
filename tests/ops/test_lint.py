"""Reading templates' files, their form, and what Meta and CleverTap publish themselves."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ops import schemas
from ops.templates import schema
from ops.templates.files import FileInvalid, read
from ops.templates.lint import lint
from tests.ops.drafts import BODY, buttons, draft, findings
from tests.templates import samples

EXAMPLES = sorted((Path(schema.__file__).parent.parent / "examples").glob("*.yaml"))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# --- form ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "place", "reason", "refuses"),
    [
        pytest.param({"name": "a", "language": "en"}, "category", "is missing", True, id="a member is missing"),
        pytest.param(draft(name=7), "name", "must be a text; put it in quotes", True, id="a number for a text"),
        pytest.param(draft(components={}), "components", "must be a list", True, id="no list"),
        pytest.param(
            draft({"type": "BODY", "text": 1}),
            "components[0].text",
            "must be a text; put it in quotes",
            True,
            id="inside",
        ),
        pytest.param(
            draft(BODY, buttons({"type": "URL", "text": "Open"})),
            "components[1].buttons[0].url",
            "is missing",
            True,
            id="a button's member is missing",
        ),
        pytest.param(
            draft({**BODY, "txet": "Hello"}),
            "components[0].txet",
            "is no member that this program knows of; it is left out",
            False,
            id="a member that is not known",
        ),
        pytest.param("order_update", "template", "must have members", True, id="a text"),
        pytest.param(None, "template", "must have members", True, id="nothing"),
    ],
)
def test_form_is_checked_with_the_place(value: Any, place: str, reason: str, refuses: bool) -> None:
    assert (place, reason, refuses) in [(each.where, each.reason, each.refuses) for each in findings(value)]


def test_types_are_read_in_any_case() -> None:
    lower = draft({**BODY, "type": "body"}, {"type": "buttons", "buttons": [{"type": "quick_reply", "text": "Yes"}]})

    assert findings(lower | {"category": "marketing"}) == []


def test_rest_is_checked_beside_a_member_that_is_not_known() -> None:
    names = {each.rule.name for each in findings(draft(name="Bad Name", status="APPROVED"))}

    assert names == {"unknown-member", "name"}


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("name: one\nlanguage: no\n", ["one"], id="one"),
        pytest.param("- name: one\n- name: two\n", ["one", "two"], id="a list"),
        pytest.param("name: one\n---\nname: two\n", ["one", "two"], id="documents"),
        pytest.param('{"data": [{"name": "one"}], "paging": {}}', ["one"], id="a listing"),
        pytest.param('{\n\t"name": "one"\n}', ["one"], id="JSON with tabs"),
        pytest.param("\ufeffname: one\n", ["one"], id="a byte order mark"),
    ],
)
def test_file_has_one_or_several_templates(tmp_path: Path, text: str, names: list[str]) -> None:
    sources = read(written(tmp_path / "file.yaml", text))

    assert [source.value["name"] for source in sources] == names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("2026-01-01", "2026-01-01"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("+27999", "+27999"),
        ("12:30", "12:30"),
        ("true", True),
        ("42", 42),
        ("'42'", "42"),
        ("null", None),
        ('"\\ud83c\\udf89"', "🎉"),
    ],
)
def test_only_plain_numbers_and_true_and_false_are_no_texts(tmp_path: Path, text: str, value: Any) -> None:
    (source,) = read(written(tmp_path / "file.yaml", f"name: {text}\n"))

    assert source.value == {"name": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("name: [", "file.yaml:", id="broken"),
        pytest.param("name: a\nname: b\n", "file.yaml:2: name stands here twice", id="a key twice"),
        pytest.param("", "file.yaml: has no template", id="empty"),
        pytest.param("a: &a [*a]\n", "is nested too deep", id="in itself"),
        pytest.param("? [1]\n: 2\n", "a key must be a text", id="a list as a key"),
    ],
)
def test_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileInvalid) as raised:
        read(written(tmp_path / "file.yaml", text))

    assert words in str(raised.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match=r"nothing\.yaml: No such file"):
        read(tmp_path / "nothing.yaml")


def test_finding_has_the_line_of_its_place(tmp_path: Path) -> None:
    text = "name: order_update\nlanguage: en\ncategory: MARKETING\ncomponents:\n  - type: BODY\n    text: Hello {{1}}\n"

    (linted,) = lint(read(written(tmp_path / "file.yaml", text)))

    assert {(each.rule.name, each.line) for each in linted.findings if each.refuses} == {("samples", 5), ("edges", 6)}


# --- what others publish ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", samples.IMPORT_SAMPLES.values(), ids=samples.IMPORT_SAMPLES)
def test_clevertaps_own_samples_are_not_refused(sample: dict[str, Any]) -> None:
    assert [(each.where, each.rule.name) for each in findings(sample) if each.refuses] == []


# --- schema and examples ---------------------------------------------------------------------------------------------


def test_schema_is_current() -> None:
    file = schemas.FOLDER / "template.schema.json"
    assert file.read_text(encoding="utf-8") == schemas.written(file.name), "run python -m ops.schemas"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_breaks_no_rule_and_fits_the_schema(file: Path) -> None:
    (linted,) = lint(read(file))

    assert linted.findings == []
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema.schema())


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(draft(category="OFFER"), id="a category that does not exist"),
        pytest.param(draft({"type": "BODDY", "text": "Hello"}), id="a component's type, misspelt"),
        pytest.param(draft({**BODY, "txet": "Hello"}), id="a member, misspelt"),
        pytest.param(draft(BODY, buttons({"type": "URI", "text": "Open"})), id="a button's type, misspelt"),
    ],
)
def test_schema_shows_typing_errors(broken: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json.dumps(broken)), schema.schema())
