"""What the documentation says, held against what is there."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from local import matrix, templates_page
from local.defences import DEFENCES
from local.sandbox.conventions import CONVENTIONS
from ops.app import app
from ops.output import Exit
from tests.providers.conformance import MEDIA, body, header, template
from whatsapp_bridge.accounts.account import Account, AccountInvalid, CleverTap, Options
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Capabilities, Refused

ROOT = Path(__file__).parents[1]
ROOT_PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "events/README.md")
PAGES = sorted([*(ROOT / page for page in ROOT_PAGES), *(ROOT / "docs").rglob("*.md")])
OPERATIONS = ROOT / "docs/operations.md"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


# --- what is there --------------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref and others) as their argument."""


def _argument(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_mapping(node)


_Loader.add_multi_constructor("!", _argument)
TEMPLATE: dict[str, Any] = yaml.load(text_of(ROOT / "template.yaml"), _Loader)


OBSERVING = {"count", "count_of_account", "count_with_account", "measure", "_count_of_each", "Said"}
NAMESPACE = "CleverTapWhatsAppBridge/${AWS::StackName}"


def counted() -> set[str]:
    """Every metric that the code counts or measures: the constant texts in the first argument of `count` and others."""
    return {
        leaf.value
        for folder in ("layers/bridge/whatsapp_bridge", "functions")
        for module in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(text_of(module)))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in OBSERVING
        for leaf in ast.walk(call.args[0])
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }


def resources(kind: str) -> dict[str, Any]:
    return {name: made["Properties"] for name, made in TEMPLATE["Resources"].items() if made["Type"] == kind}


def filtered() -> set[str]:
    """Every metric that CloudWatch counts in a log."""
    filters = resources("AWS::Logs::MetricFilter").values()
    return {made["MetricName"] for filter_ in filters for made in filter_["MetricTransformations"]}


def alarmed() -> set[str]:
    """Every metric of the bridge that raises an alarm: its own, the first one of an expression, or that of a query."""
    found: set[str] = set()
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        shown, *others = alarm.get("Metrics", [{}])
        metric = others[0]["MetricStat"]["Metric"] if others else alarm
        if metric.get("Namespace") == NAMESPACE:
            found.add(metric["MetricName"])
        found |= set(re.findall(r"^SELECT SUM\((\w+)\)", shown.get("Expression", "")))
    return found


# --- reading Markdown -----------------------------------------------------------------------------------------------


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    lines = text_of(page).splitlines()
    start = lines.index(heading)
    level = len(heading) - len(heading.lstrip("#"))
    end = next(
        (number for number in range(start + 1, len(lines)) if re.match(rf"#{{1,{level}}} ", lines[number])), len(lines)
    )
    return "\n".join(lines[start + 1 : end])


def first_cells(text: str) -> set[str]:
    """The names in code type in the first column of the tables."""
    cells = re.findall(r"^\| *([^|]*)\|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text_of(page), re.MULTILINE | re.DOTALL)
    return [block for _, block in found]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if not target.startswith(("http://", "https://")):
                yield page, target


# --- tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "target"), [pytest.param(*link, id=f"{name_of(link[0])} -> {link[1]}") for link in links()]
)
def test_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page

    assert file.exists()
    assert file.is_relative_to(ROOT)
    assert not anchor or anchor in anchors(file)


def test_metrics_are_those_that_are_counted() -> None:
    assert first_cells(section(OPERATIONS, "## Metrics")) == counted() | filtered()


def test_every_metric_raises_an_alarm_or_is_there_to_inform() -> None:
    informing = first_cells(section(OPERATIONS, "### Metrics without an alarm"))

    assert informing & alarmed() == set()
    assert informing | alarmed() == counted() | filtered()


def test_parameters_are_those_of_the_template() -> None:
    assert first_cells(section(OPERATIONS, "### Parameters")) == set(TEMPLATE["Parameters"])


@pytest.mark.parametrize("name", sorted(TEMPLATE["Parameters"]))
def test_parameter_has_its_default(name: str) -> None:
    rows = [row.split("|") for row in section(OPERATIONS, "### Parameters").splitlines() if f"`{name}`" in row]
    names = re.findall(r"`([^`]+)`", rows[0][1])
    default = str(TEMPLATE["Parameters"][name]["Default"]) or "empty"
    # Cells of two parameters list their defaults in the order of the names; one default is both's.
    defaults = [part.strip() for part in rows[0][2].split(", ")]

    assert len(rows) == 1
    assert defaults[names.index(name) if len(defaults) > 1 else 0] == default


def test_alarms_are_those_of_the_template() -> None:
    assert first_cells(section(OPERATIONS, "## Alarms")) == set(resources("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_name_resources_and_outputs_of_the_template(page: Path) -> None:
    commands = "\n".join(blocks(page, "sh"))
    resources = re.findall(r"\$\((?:url|arn) (\w+)\)|--logical-resource-id (\w+)", commands)
    outputs = re.findall(r"OutputKey=='(\w+)'", commands)
    overridden = re.findall(r"^.*--parameter-overrides((?:(?: |\\\n)+\w+=\S*)+)", commands, re.MULTILINE)

    assert {first or second for first, second in resources} <= set(TEMPLATE["Resources"])
    assert set(outputs) <= set(TEMPLATE["Outputs"])
    assert {name for found in overridden for name in re.findall(r"(\w+)=", found)} <= set(TEMPLATE["Parameters"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_name_targets_and_modules_that_exist(page: Path) -> None:
    commands = "\n".join([*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", text_of(page))])
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    modules = re.findall(r"python -m (local[.\w]*)", commands)

    assert set(re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE)) <= targets
    assert all(
        (ROOT / (path := module.replace(".", "/"))).with_suffix(".py").exists()
        or (ROOT / path / "__main__.py").exists()
        for module in modules
    )


_PLACEHOLDER = re.compile(r'"REPLACE-by-[A-Za-z0-9-]*?(URL)?"')


def _filled(block: str, but: str = "") -> str:
    """A sample with values for its placeholders, all or all but one."""

    def value(found: re.Match[str]) -> str:
        words = "https://clevertap.example/callback" if found[1] else "x" * 32
        return found[0] if found[0] == but else f'"{words}"'

    return _PLACEHOLDER.sub(value, block)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_is_json_and_accounts_are_accounts(page: Path) -> None:
    for block in blocks(page, "json"):
        value = json.loads(_filled(block))
        if "waba_number" in value:
            parse_account("acme", value)


def test_a_sample_with_a_placeholder_is_no_account_yet() -> None:
    (block,) = (block for block in blocks(ROOT / "README.md", "json") if "waba_number" in block)
    places = [found[0] for found in _PLACEHOLDER.finditer(block)]
    assert len(places) == 5
    for left in places:
        with pytest.raises(AccountInvalid, match="is still a placeholder"):
            parse_account("acme", _filled(block, but=left))


def test_account_keys_are_those_of_the_model() -> None:
    nested = {f"clevertap.{name}" for name in CleverTap.model_fields}
    top = {field.alias or name for name, field in Account.model_fields.items()} - {"name", "clevertap"}
    accounts = section(OPERATIONS, "## Accounts")

    assert first_cells(accounts) == top | nested
    assert {name for name in Options.model_fields if f"`{name}`" not in accounts} == set()


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_provider_page_has_every_setting_and_option(provider: str) -> None:
    page = ROOT / f"docs/providers/{provider}.md"
    settings = registry.settings(provider)
    account = section(page, "## The account")
    defaults = {name: field.default for name, field in settings.Options.model_fields.items()}

    keys = {field.alias or name for name, field in settings.Settings.model_fields.items()} - {"type"}
    assert keys <= first_cells(account)
    assert set(defaults) <= first_cells(account)
    (example,) = (json.loads(block) for block in blocks(page, "json"))
    assert example["options"] == defaults


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_provider_page_says_whether_the_bsp_can_be_asked_what_became_of_a_message(provider: str) -> None:
    said = section(ROOT / f"docs/providers/{provider}.md", "## When an answer is lost")

    assert "It cannot ask " in said
    assert "1009" in said


def test_readme_has_the_matrix_of_the_adapters() -> None:
    readme = text_of(ROOT / "README.md")

    assert matrix.with_matrix(readme) == readme, "run: .venv/bin/python -m local.matrix"


def test_page_on_templates_has_the_examples_and_the_rules() -> None:
    page = text_of(templates_page.PAGE)

    assert templates_page.with_parts(page) == page, "run: .venv/bin/python -m local.templates_page"
    assert {file.stem for file in templates_page.EXAMPLES.glob("*.yaml")} == set(templates_page.KINDS)


BRIDGE = ROOT / "docs/bridge.md"


def test_page_on_templates_has_the_commands() -> None:
    named = set(re.findall(r"bridge templates ([a-z][a-z-]*)", text_of(templates_page.PAGE)))

    assert {f"templates {name}" for name in named} == {name for name in commands() if name.startswith("templates ")}


def commands() -> dict[str, set[str]]:
    """Every command of `bridge` by its words, and its options."""
    found: dict[str, set[str]] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))
        if path and not getattr(command, "commands", {}):
            found[" ".join(path)] = {option for parameter in command.params for option in parameter.opts}

    walk(get_command(app), ())
    return found


def test_page_on_bridge_has_every_command_and_exit_code() -> None:
    page = text_of(BRIDGE)
    named = {name for name in commands() if re.search(rf"^bridge {name}\b", page, re.MULTILINE)}

    assert named == {name for name in commands() if not name.startswith("templates ")}
    assert {int(code) for code in re.findall(r"^\| (\d) \|", section(BRIDGE, "## In scripts"), re.M)} == set(Exit)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_bridge_exist_with_their_options(page: Path) -> None:
    every = commands()
    for line in re.findall(r"^(?:\.venv/bin/)?bridge (?!-)(.+)", "\n".join(blocks(page, "sh")), re.MULTILINE):
        words = line.split("#")[0].split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in every else words[0]
        if name == words[0] and name not in every:
            # A group, whose help is asked for.
            assert words[1:] == ["--help"], line
            continue
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= every[name] | {"--help"}, line


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_matrix_has_a_row_for_every_capability(provider: str) -> None:
    capabilities = registry.outbound(provider).CAPABILITIES

    assert {
        (group.field, value)
        for group in (*matrix.GROUPS, matrix.ANSWERS)
        for value in getattr(capabilities, group.field)
        if value not in group.rows
    } == set()
    assert capabilities.by_id <= capabilities.headers | capabilities.buttons | capabilities.extras


def test_matrix_has_every_field_of_the_capabilities() -> None:
    shown = {group.field for group in (*matrix.GROUPS, matrix.ANSWERS)} | {
        "title",
        "by_id",
        "batch_size",
        "keeps_payloads",
    }

    assert shown == set(Capabilities._fields)


@pytest.mark.parametrize(("provider", "field", "value"), matrix.NOTES)
def test_note_of_the_matrix_is_about_a_row_and_an_option_of_the_provider(provider: str, field: str, value: str) -> None:
    (rows,) = (group.rows for group in matrix.GROUPS if group.field == field)
    note = matrix.NOTES[provider, field, value]

    assert value in rows
    assert note.option is None or note.option in registry.settings(provider).Options.model_fields
    assert note.option is None or f"`{note.option}`" in note.text


# What the notes say is carried after all: a template's component, and the options with which it is.
CARRIED_AFTER_ALL: dict[tuple[str, str, str], tuple[dict[str, Any], dict[str, Any]]] = {
    ("message_central", "headers", "text"): (header("text", {"text": "Hello", "parameters": []}), {}),
    **{
        ("message_central", "headers", kind): (header(kind, MEDIA), {"template_media": ["order_update"]})
        for kind in ("image", "video", "file")
    },
}


@pytest.mark.parametrize("cell", CARRIED_AFTER_ALL)
def test_note_of_the_matrix_holds(cell: tuple[str, str, str]) -> None:
    provider, field, value = cell
    component, options = CARRIED_AFTER_ALL[cell]
    (example,) = (json.loads(block) for block in blocks(ROOT / f"docs/providers/{provider}.md", "json"))
    account = parse_account("acme", {**example, "options": options})
    message = parse_message(json.dumps(template(body("Ada"), component)))
    outbound = registry.outbound(provider)

    assert value not in getattr(outbound.CAPABILITIES, field)
    assert outbound.translate(message, "1|2|3|4", account)


# What the notes say is not carried, though the BSP may have it.
NOT_YET: dict[tuple[str, str, str], dict[str, Any]] = {
    ("clickatell", "headers", "location"): header("location", {"latitude": "1.5", "longitude": "1.5"}),
}


@pytest.mark.parametrize("cell", NOT_YET)
def test_what_the_matrix_says_is_not_carried_yet_is_refused(cell: tuple[str, str, str]) -> None:
    (example,) = (json.loads(block) for block in blocks(ROOT / f"docs/providers/{cell[0]}.md", "json"))
    account = parse_account("acme", example)
    message = parse_message(json.dumps(template(body("Ada"), NOT_YET[cell])))

    with pytest.raises(Refused):
        registry.outbound(cell[0]).translate(message, "1|2|3|4", account)


def test_every_note_of_the_matrix_is_checked() -> None:
    assert {cell for cell in matrix.NOTES if cell[1] not in ("features", "templates")} == {*CARRIED_AFTER_ALL, *NOT_YET}


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_matrix_says_where_several_messages_per_request_need_an_option(provider: str) -> None:
    batches = "batch" in registry.outbound(provider).CAPABILITIES.features
    by_default = registry.settings(provider).Options().in_batches

    assert ((provider, "features", "batch") in matrix.NOTES) is (batches and not by_default)


THREATS = section(ROOT / "docs/security.md", "## The threat model")


def test_every_row_of_the_threat_model_names_tests_that_exist() -> None:
    rows = [row for row in THREATS.splitlines() if row.startswith("|")][2:]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row.split(" | ")[-1]) for row in rows]

    assert all(named)
    assert [
        f"{file}::{name}"
        for file, name in chain(*named)
        if not (ROOT / file).exists() or f"def {name}(" not in text_of(ROOT / file)
    ] == []


def test_every_test_of_the_threat_model_has_its_defence() -> None:
    assert set(re.findall(r"`(tests/[^`]+::[^`]+)`", THREATS)) == DEFENCES.keys()


@pytest.mark.parametrize("test", DEFENCES)
def test_a_defence_is_where_it_is_taken_out(test: str) -> None:
    assert DEFENCES[test].right in text_of(ROOT / DEFENCES[test].file)


def test_sandbox_conventions_are_those_of_the_sandbox() -> None:
    table = section(ROOT / "docs/local.md", "## What the sandbox does")

    assert set(re.findall(r"^\| (\d{4}) \|", table, re.MULTILINE)) == set(CONVENTIONS)
