"""`bridge templates` at the command line: what it prints, for people and for scripts, and its exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.app import app
from ops.templates.rules import BETWEEN, RULES

EXAMPLES = Path(__file__).parents[2] / "ops/examples"
RUN = CliRunner()


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    text = (EXAMPLES / "text.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("order_update", "Order Update").replace("language: en", "language: en-GB"), "utf-8")
    return file


def test_good_templates_end_with_0() -> None:
    done = RUN.invoke(app, ["templates", "lint", *map(str, sorted(EXAMPLES.glob("*.yaml")))])

    assert (done.exit_code, done.stdout) == (0, "7 templates: 0 refused, 0 warnings\n")


def test_refused_template_ends_with_1_and_says_where(bad: Path) -> None:
    done = RUN.invoke(app, ["templates", "lint", str(bad)])

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"{bad}:2: refused: name must be 1 to 512 of a-z, 0-9 and _ [name]",
        f"{bad}:3: warning: language is written en_GB for Meta, which is what the bridge sends [spelling-of-language]",
        "1 template: 1 refused, 1 warning",
    ]


def test_json_has_reason_place_and_source(bad: Path) -> None:
    done = RUN.invoke(app, ["templates", "lint", "--json", str(bad)])

    (template,) = json.loads(done.stdout)
    assert (done.exit_code, template["refused"], template["language"]) == (1, True, "en-GB")
    assert template["findings"][0] == {
        "rule": "name",
        "refuses": True,
        "line": 2,
        "place": "name",
        "reason": "must be 1 to 512 of a-z, 0-9 and _",
        "source": 'Meta, "Template management"',
    }


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_warnings_refuse_only_if_asked_to(tmp_path: Path, options: list[str], code: int) -> None:
    file = tmp_path / "warned.yaml"
    text = (EXAMPLES / "named.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("language: en_GB", "language: en-GB"), encoding="utf-8")

    assert RUN.invoke(app, ["templates", "lint", *options, str(file)]).exit_code == code


@pytest.mark.parametrize("as_json", [False, True])
def test_missing_file_ends_with_2(as_json: bool) -> None:
    done = RUN.invoke(app, ["templates", "lint", "nothing.yaml", *(["--json"] if as_json else [])])

    assert done.exit_code == 2
    assert done.stderr == "error: nothing.yaml: No such file or directory\n"
    assert (json.loads(done.stdout)["exit"] == 2) if as_json else done.stdout == ""


def test_every_rule_is_listed() -> None:
    done = RUN.invoke(app, ["templates", "rules", "--json"])

    assert [each["rule"] for each in json.loads(done.stdout)] == [each.name for each in (*RULES, *BETWEEN)]


def test_schema_is_printed() -> None:
    assert json.loads(RUN.invoke(app, ["templates", "schema"]).stdout)["title"] == "WhatsApp templates, in Meta's words"
