"""The stack's dashboard and saved queries: they name what is counted, logged and deployed, within AWS's limits."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.template import Resolver
from tests.test_docs import OPERATIONS, counted, filtered, section

ROOT = Path(__file__).parents[1]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
STACK, REGION = "bridge", "eu-west-1"
OWN = f"CleverTapWhatsAppBridge/{STACK}"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
COLUMNS, MAX_WIDGETS, MAX_METRICS_OF_A_GRAPH = 24, 500, 500
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-querydefinition.html
MAX_QUERY_CHARACTERS, MAX_NAME_CHARACTERS = 10_000, 255
# What AWS emits by itself, and its dimensions:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
OF_AWS = {
    "AWS/Lambda": ({"Duration", "Throttles"}, [{"FunctionName"}]),
    "AWS/ApiGateway": ({"Count", "Latency"}, [{"ApiId"}]),
    "AWS/SQS": (
        {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"},
        [{"QueueName"}],
    ),
    "AWS/DynamoDB": (
        {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"},
        [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}],
    ),
    "AWS/Logs": ({"IncomingBytes"}, [{"LogGroupName"}]),
}


def resolved(value: Any, **parameters: str) -> Any:
    resolver = Resolver(TEMPLATE, {"AWS::StackName": STACK, "AWS::Region": REGION}, parameters)
    # In the place of a name that CloudFormation gives, its logical id.
    resolver.attributes.update({name: {"Ref": name, "QueueName": name} for name in TEMPLATE["Resources"]})
    return resolver.resolve(value)


DASHBOARD = TEMPLATE["Resources"]["BridgeDashboard"]
BODY: dict[str, Any] = json.loads(resolved(DASHBOARD["Properties"]["DashboardBody"]))
WIDGETS: list[dict[str, Any]] = BODY["widgets"]
QUERIES = {
    name: resolved(made["Properties"])
    for name, made in TEMPLATE["Resources"].items()
    if made["Type"] == "AWS::Logs::QueryDefinition"
}


def rows() -> Iterator[list[Any]]:
    """Each line of a graph that is a metric, as CloudWatch has it: namespace, name, dimensions, options."""
    for widget in WIDGETS:
        yield from (row for row in widget["properties"].get("metrics", []) if isinstance(row[0], str))


def expressions() -> list[str]:
    graphs = [row for widget in WIDGETS for row in widget["properties"].get("metrics", [])]
    return [row[0]["expression"] for row in graphs if isinstance(row[0], dict)]


def logged_queries() -> Iterator[tuple[str, list[str], str]]:
    """Name, log groups and query: the dashboard's, and the saved ones."""
    for widget in WIDGETS:
        if widget["type"] == "log":
            *sources, query = re.split(r" \| (?!SOURCE)", widget["properties"]["query"], maxsplit=1)
            yield widget["properties"]["title"], re.findall(r"SOURCE '(\w+)'", sources[0]), query
    for properties in QUERIES.values():
        yield properties["Name"], properties["LogGroupNames"], properties["QueryString"]


def dimensions(row: list[Any]) -> dict[str, str]:
    values = [value for value in row[2:] if isinstance(value, str)]
    return dict(zip(values[::2], values[1::2], strict=True))


# --- what code and AWS emit -----------------------------------------------------------------------------------------


def services() -> dict[str, set[str]]:
    """Which services count a metric, as docs/operations.md has it; the names there are held to the code."""
    found: dict[str, set[str]] = {}
    for row in section(OPERATIONS, "## Metrics").splitlines():
        cells = row.split("|")
        for name in re.findall(r"`(\w+)`", cells[1]) if len(cells) == 5 else ():
            found[name] = {service.strip() for service in cells[2].split(",")}
    return found


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row[1]} {row[2:4]}") for row in rows()])
def test_a_metric_is_emitted(row: list[Any]) -> None:
    namespace, name, of = row[0], row[1], dimensions(row)
    if namespace != OWN:
        names, each = OF_AWS[namespace]
        assert name in names
        assert set(of) in each
    elif name in filtered():
        assert of == {}
    else:
        assert name in counted()
        assert set(of) == {"service"}
        assert of["service"] in services()[name] or services()[name] == {"all"}


@pytest.mark.parametrize("row", [row for row in rows() if row[0] != OWN], ids=str)
def test_a_metric_is_of_this_stack(row: list[Any]) -> None:
    kinds = {
        "FunctionName": "AWS::Serverless::Function",
        "ApiId": "AWS::Serverless::HttpApi",
        "QueueName": "AWS::SQS::Queue",
        "TableName": "AWS::DynamoDB::Table",
        "LogGroupName": "AWS::Logs::LogGroup",
    }
    for dimension, value in dimensions(row).items():
        if dimension == "GlobalSecondaryIndexName":
            (index,) = TEMPLATE["Resources"]["MessagesTable"]["Properties"]["GlobalSecondaryIndexes"]
            assert value == index["IndexName"]
        else:
            assert TEMPLATE["Resources"][value]["Type"] == kinds[dimension]


def test_metrics_by_account_are_found_as_they_come() -> None:
    # Of whatever name: those that the code counts by account today, and later ones.
    assert expressions() == [f"SEARCH('{{\"{OWN}\",account,service}}', 'Sum', 300)"]


@pytest.mark.parametrize(
    "part",
    [
        ("MessagesAccepted", "MessagesSent", "MessagesRejected", "MessagesRefused"),
        ("StatusesReceived", "StatusesForwarded", "RepliesForwarded"),
        ("StatusAge", "ReplyAge"),
        ("FreeformAge", "TemplateAge", "ApproximateAgeOfOldestMessage"),
        ("ProviderPaused", "CleverTapPaused", "MessagesHeld", "BreakersUnavailable"),
        ("MessagesThrottled", "RequestsThrottled", "Throttles", "WriteThrottleEvents"),
        ("Duration", "Count", "ConsumedWriteCapacityUnits", "IncomingBytes"),
    ],
    ids=["messages", "statuses", "lag", "ages", "breakers", "throttles", "cost"],
)
def test_what_an_operator_looks_for_is_there(part: tuple[str, ...]) -> None:
    assert set(part) <= {row[1] for row in rows()}


@pytest.mark.parametrize("metric", ["StatusAge", "ReplyAge"])
def test_the_lag_of_most_and_of_the_slowest(metric: str) -> None:
    assert [row[-1]["stat"] for row in rows() if row[1] == metric] == ["p50", "p99"]


# --- limits and looks -----------------------------------------------------------------------------------------------


def test_the_dashboard_is_within_cloudwatchs_limits() -> None:
    assert len(WIDGETS) <= MAX_WIDGETS
    assert max(len(widget["properties"].get("metrics", [])) for widget in WIDGETS) <= MAX_METRICS_OF_A_GRAPH
    assert {widget["properties"]["region"] for widget in WIDGETS if widget["type"] != "text"} == {REGION}


def test_widgets_fill_the_columns_and_do_not_overlap() -> None:
    taken = [
        (x, y)
        for widget in WIDGETS
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(taken) == len(set(taken))
    height = max(y for _, y in taken) + 1
    assert set(taken) == {(x, y) for x in range(COLUMNS) for y in range(height)}


def test_a_stack_in_another_region_has_a_dashboard_of_its_own() -> None:
    # An account's dashboards are those of all regions, and one of the same name is overwritten.
    assert resolved(DASHBOARD["Properties"]["DashboardName"]) == f"{STACK}-{REGION}"


@pytest.mark.parametrize(("value", "is_made"), [("true", True), ("false", False)])
def test_the_dashboard_may_be_left_out(value: str, is_made: bool) -> None:
    assert resolved({"Condition": DASHBOARD["Condition"]}, Dashboard=value) is is_made


# --- queries --------------------------------------------------------------------------------------------------------

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
DISCOVERED = {"@timestamp", "@message", "@logStream", "@log"}
OF_LAMBDAS_REPORT = {"@requestId", "@type", "@duration", "@billedDuration", "@initDuration", "@maxMemoryUsed"}
# Powertools', `logger`'s own, and `log_failure`'s.
ALWAYS = {"level", "location", "message", "timestamp", "service", "correlation_id", "version", "error", "at"}


def modules() -> Iterator[ast.Module]:
    for folder in ("layers/bridge/whatsapp_bridge", "functions"):
        for path in (ROOT / folder).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))


def is_log(node: ast.AST) -> bool:
    """A call of logger.info and the like."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "logger"
    )


def keys(value: ast.AST) -> set[str]:
    """The constant keys of a dict, also of one that is merged of several."""
    return {
        key.value
        for made in ast.walk(value)
        if isinstance(made, ast.Dict)
        for key in made.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def logged_keys() -> set[str]:
    """What logger.info and the like are given as `extra`: at the call, by a variable, or by what `names` returns."""
    found = set(ALWAYS)
    for module in modules():
        extras = [
            keyword.value
            for node in ast.walk(module)
            if is_log(node)
            for keyword in node.keywords  # type: ignore[attr-defined]
            if keyword.arg == "extra"
        ]
        variables = {name.id for extra in extras for name in ast.walk(extra) if isinstance(name, ast.Name)}
        for extra in extras:
            found |= keys(extra)
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and {t.id for t in node.targets if isinstance(t, ast.Name)} & variables:
                found |= keys(node.value)
            elif isinstance(node, ast.FunctionDef) and node.name in ("names", "_names"):
                found |= keys(node)
    return found


def logged_messages() -> set[str]:
    return {
        node.args[0].value  # type: ignore[attr-defined]
        for module in modules()
        for node in ast.walk(module)
        if is_log(node) and isinstance(node.args[0], ast.Constant)  # type: ignore[attr-defined]
    }


WORDS = {"fields", "filter", "sort", "limit", "stats", "by", "as", "in", "asc", "desc", "count", "max", "and", "or"}


def used_fields(query: str) -> set[str]:
    """The fields that a query reads: its words without texts, commands and the names that it makes."""
    words = re.findall(r"@?[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", query))
    made = set(re.findall(r"\bas (\w+)", query))
    return set(words) - WORDS - made


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, _, query in logged_queries()])
def test_a_query_reads_what_is_logged(query: str) -> None:
    of_lambda = OF_LAMBDAS_REPORT if '@type = "REPORT"' in query else set()
    used = used_fields(query)
    assert used
    assert used <= DISCOVERED | of_lambda | logged_keys()


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, _, query in logged_queries()])
def test_a_query_asks_for_messages_that_are_logged(query: str) -> None:
    asked = re.findall(r'message (?:=|in) (?:\[([^\]]*)\]|("[^"]*"))', query)
    assert {text for both in asked for part in both for text in re.findall(r'"([^"]*)"', part)} <= logged_messages()


@pytest.mark.parametrize("groups", [pytest.param(groups, id=name) for name, groups, _ in logged_queries()])
def test_a_query_reads_logs_of_the_stack(groups: list[str]) -> None:
    assert groups
    assert {TEMPLATE["Resources"][group]["Type"] for group in groups} == {"AWS::Logs::LogGroup"}


def test_saved_queries() -> None:
    assert sorted(properties["Name"] for properties in QUERIES.values()) == [
        f"{STACK}/failures by account and code",
        f"{STACK}/one message by msgId",
        f"{STACK}/one person by pseudonym",
        f"{STACK}/refusals by account and field",
        f"{STACK}/slowest sends",
        f"{STACK}/warnings and errors by account",
    ]
    assert max(len(properties["Name"]) for properties in QUERIES.values()) + 128 <= MAX_NAME_CHARACTERS
    assert max(len(properties["QueryString"]) for properties in QUERIES.values()) <= MAX_QUERY_CHARACTERS


def test_saved_queries_are_in_the_documentation() -> None:
    said = set(re.findall(r"`([^`]+)`", section(OPERATIONS, "### Dashboard and saved queries")))
    assert {properties["Name"].partition("/")[2] for properties in QUERIES.values()} <= said
