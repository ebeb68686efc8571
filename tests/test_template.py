"""The template as CloudFormation gets it, after SAM's transform: permissions, routes, queues, alarms, what is kept."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.template import Resolver, Secret
from whatsapp_bridge.accounts.keys import read_signing_keys
from whatsapp_bridge.runtime import settings
from whatsapp_bridge.runtime.schedules import Schedule
from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES

type Json = dict[str, Any]

TEMPLATE: Json = yaml_parse((Path(__file__).parents[1] / "template.yaml").read_text())
FUNCTIONS = ("Send", "Dispatch", "Incoming", "Status", "Forward", "Media", "Import", "Templates")
FIFO = ("Conversation", "Replies")
STANDARD = ("Campaign", "Statuses", "Templates")


@pytest.fixture(scope="module")
def transform() -> Callable[..., Json]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")

        def transform(*, code: str = "code", layer: str = "layer", deployment: str = "AllAtOnce") -> Json:
            """The template's resources when the functions' code and the layer lie at these S3 keys."""
            template = copy.deepcopy(TEMPLATE)
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::Serverless::Function":
                    resource["Properties"]["CodeUri"] = f"s3://bucket/{code}"
                elif resource["Type"] == "AWS::Serverless::LayerVersion":
                    resource["Properties"]["ContentUri"] = f"s3://bucket/{layer}"
            resources: Json = Translator({}, Parser()).translate(template, {"Deployment": deployment})["Resources"]
            return resources

        yield transform


@pytest.fixture(scope="module")
def resources(transform: Callable[..., Json]) -> Json:
    return transform()


def resolved(value: Any, *, stack: str = "bridge", names: Json | None = None, **parameters: str) -> Any:
    """A value as CloudFormation computes it; `names`: the attributes of resources."""
    names = names or {}
    document = {**TEMPLATE, "Resources": TEMPLATE["Resources"] | names}
    resolver = Resolver(document, {"AWS::StackName": stack, "AWS::Region": "us-east-1"}, parameters)
    resolver.attributes.update(names)
    return resolver.resolve(value)


def of_type(resources: Json, kind: str) -> Json:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def arn(name: str) -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def queues(*names: str) -> list[Json]:
    return [arn(f"{name}Queue") for name in names]


POLL = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
PAYLOADS, MEDIA = sub("${PayloadsBucket.Arn}/payloads/*"), sub("${PayloadsBucket.Arn}/media/*")
# AWS knows no narrower one.
LIST_ACCOUNTS = (("secretsmanager:ListSecrets",), ["*"])
RECEIVE = [
    LIST_ACCOUNTS,
    (("sqs:SendMessage",), queues("Replies", "Statuses", "Templates", "Quarantine")),
    (("s3:PutObject",), [PAYLOADS]),
]
FORWARD_SENDS = ("Statuses", "Quarantine", "PeopleQuarantine", "RepliesDeadLetter", "StatusesDeadLetter")
PERMISSIONS: dict[str, list[tuple[tuple[str, ...], list[Any]]]] = {
    "Send": [
        LIST_ACCOUNTS,
        (("sqs:SendMessage",), queues("Conversation", "Campaign")),
        (("dynamodb:BatchGetItem",), [arn("MessagesTable")]),
    ],
    "Dispatch": [
        (POLL, queues("Conversation", "Campaign")),
        (("sqs:ChangeMessageVisibility",), queues("Conversation")),
        (("sqs:SendMessage",), queues("ConversationDeadLetter", "Campaign", "CampaignDeadLetter", "Statuses")),
        (("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
        (("kms:GenerateDataKey",), ["ClickatellMtKeyArn"]),
    ],
    "Incoming": RECEIVE,
    "Status": RECEIVE,
    "Forward": [
        (POLL, queues("Replies", "Statuses")),
        (("sqs:ChangeMessageVisibility",), queues("Replies")),
        (("sqs:SendMessage",), queues(*FORWARD_SENDS)),
        (("dynamodb:GetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
        (("dynamodb:Query",), [sub("${MessagesTable.Arn}/index/bsp_id")]),
        (("s3:GetObject", "s3:PutObject"), [PAYLOADS]),
        (("s3:ListBucket",), [arn("PayloadsBucket")]),
        (("s3:PutObject",), [MEDIA]),
        (("kms:Decrypt",), ["ClickatellMoKeyArn"]),
    ],
    "Media": [(("s3:GetObject",), [MEDIA])],
    "Import": [
        LIST_ACCOUNTS,
        (("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
    ],
    "Templates": [
        LIST_ACCOUNTS,
        (POLL, queues("Templates")),
        (("sqs:ChangeMessageVisibility",), queues("Templates")),
        (("sqs:SendMessage",), queues("Templates")),
        (("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
    ],
}
ACCOUNTS = sub(
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/accounts/*"
)


# What follows a link needs no account's secret; what makes no link and no pseudonym, no key for them.
WITHOUT_ACCOUNTS = {"Media"}
WITHOUT_SIGNING_KEY = {"Import", "Templates"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


KEYS = {"DecryptAccounts": "AccountSecretsKeyArn", "Encrypt": "ClickatellMtKeyArn", "Decrypt": "ClickatellMoKeyArn"}
FOR_SECRETS = {"StringEquals": {"kms:ViaService": sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")}}


def granted(statement: Json) -> tuple[tuple[str, ...], list[Any]]:
    """Actions and resources of a statement; of one that depends on a key parameter, that parameter."""
    if "Fn::If" not in statement:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        return tuple(listed(statement["Action"])), listed(statement["Resource"])
    condition, given, otherwise = statement["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert given.get("Condition") == (FOR_SECRETS if given["Sid"] == "DecryptAccounts" else None)
    separator, parameter = given["Resource"]["Fn::Split"]
    assert separator == ","
    assert parameter == {"Ref": KEYS[given["Sid"]]}
    assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [parameter, ""]}]}
    return tuple(listed(given["Action"])), [parameter["Ref"]]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_the_table_says_and_no_more(resources: Json, function: str) -> None:
    role = resources[f"{function}Role"]["Properties"]
    (policy,) = role["Policies"]
    accounts = [(("secretsmanager:GetSecretValue",), [ACCOUNTS]), (("kms:Decrypt",), ["AccountSecretsKeyArn"])]
    signing_key = (("secretsmanager:GetSecretValue",), [{"Ref": "SigningKey"}])
    # AWS knows no narrower one.
    together = (("secretsmanager:BatchGetSecretValue",), ["*"])
    common = [
        (("logs:CreateLogStream", "logs:PutLogEvents"), [arn(f"{function}Logs")]),
        *(accounts if function not in WITHOUT_ACCOUNTS else []),
        *([signing_key] if function not in WITHOUT_SIGNING_KEY else []),
        *([together] if function not in WITHOUT_ACCOUNTS | WITHOUT_SIGNING_KEY else []),
    ]
    assert [granted(statement) for statement in policy["PolicyDocument"]["Statement"]] == common + PERMISSIONS[function]
    assert "ManagedPolicyArns" not in role
    assert resources[f"{function}Function"]["Properties"]["Role"] == arn(f"{function}Role")


def test_nothing_else_grants_anything_but_to_codedeploy(resources: Json) -> None:
    roles = of_type(resources, "AWS::IAM::Role")
    codedeploy = roles.pop("CodeDeployServiceRole")
    assert set(codedeploy) == {"AssumeRolePolicyDocument", "ManagedPolicyArns"}
    assert codedeploy["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"]
    assert set(roles) == {f"{function}Role" for function in FUNCTIONS}
    assert [name for name, r in resources.items() if r["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")] == []


@pytest.mark.parametrize("parameter", KEYS.values())
@pytest.mark.parametrize(
    ("value", "taken"),
    [
        pytest.param("", True, id="none"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", True, id="key"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:key/mrk-0123", True, id="multi-region key"),
        pytest.param("arn:aws:kms:a:111122223333:key/1,arn:aws:kms:b:111122223333:key/2", True, id="two keys"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:alias/bridge", False, id="alias"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:key/*", False, id="any key"),
        pytest.param("*", False, id="wildcard"),
        pytest.param("arn:aws:kms:a:111122223333:key/1,*", False, id="key and wildcard"),
        pytest.param("arn:aws:kms:a:111122223333:key/1,", False, id="trailing comma"),
    ],
)
def test_key_parameters_admit_key_arns_only(parameter: str, value: str, taken: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value)) is taken


SETTINGS = {
    "Send": settings.SendSettings,
    "Dispatch": settings.DispatchSettings,
    "Incoming": settings.ReceiveSettings,
    "Status": settings.ReceiveSettings,
    "Forward": settings.ForwardSettings,
    "Media": settings.MediaSettings,
    "Import": settings.ImportSettings,
    "Templates": settings.TemplatesSettings,
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}


def environment(resources: Json, function: str) -> Json:
    variables: Json = resources[f"{function}Function"]["Properties"]["Environment"]["Variables"]
    return variables


@pytest.mark.parametrize("function", FUNCTIONS)
def test_environment_is_what_the_function_reads(resources: Json, function: str) -> None:
    read = {name.upper() for name in SETTINGS[function].__annotations__}
    assert set(environment(resources, function)) == read | POWERTOOLS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_environment_names_the_resource_of_the_variable(resources: Json, function: str) -> None:
    for variable, value in environment(resources, function).items():
        if variable.endswith("_QUEUE_URL"):
            assert value == {"Ref": variable.removesuffix("_URL").title().replace("_", "")}
        elif variable in ("MESSAGES_TABLE", "PAYLOADS_BUCKET"):
            assert value == {"Ref": variable.title().replace("_", "")}


@pytest.mark.parametrize("kind", ["Dispatch", "Forward", "Correlation"])
def test_default_schedules_are_well_formed_and_admitted(kind: str) -> None:
    parameter = TEMPLATE["Parameters"][f"{kind}RetrySchedule"]
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
    assert len(parameter["Default"]) <= parameter["MaxLength"]


def attempts(schedule: str, limit: int | None) -> int:
    """How often a schedule lets something be tried within `limit` seconds."""
    delays, _, own_limit = schedule.partition("/")
    parsed = Schedule(tuple(map(int, delays.split(","))), int(own_limit))
    return next(n for n in range(1, 10_000) if parsed.delay(n, 0.0, at_most=43_000, limit=limit) is None)


# An account can have freeform messages tried for a day (Options.conversation_time_limit_seconds).
@pytest.mark.parametrize(
    ("queue", "kind", "limit"), [("Conversation", "Dispatch", 86_400), ("Replies", "Forward", None)]
)
def test_fifo_receives_outlast_the_schedules(resources: Json, queue: str, kind: str, limit: int | None) -> None:
    receives = resources[f"{queue}Queue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    assert receives > attempts(TEMPLATE["Parameters"][f"{kind}RetrySchedule"]["Default"], limit)


def test_replies_and_statuses_are_retried_for_three_days_at_least() -> None:
    assert int(TEMPLATE["Parameters"]["ForwardRetrySchedule"]["Default"].partition("/")[2]) >= 3 * 86_400


def test_routes(resources: Json) -> None:
    paths = resources["BridgeApi"]["Properties"]["Body"]["paths"]
    routes = {
        (method.upper(), path): re.findall(r"\$\{(\w+)Aliaslive\}", json.dumps(operation))
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert routes == {
        ("POST", "/{account}/send"): ["SendFunction"],
        ("POST", "/{account}/{proxy+}"): ["SendFunction"],
        ("POST", "/{account}/incoming/{token}"): ["IncomingFunction"],
        ("GET", "/{account}/incoming/{token}"): ["IncomingFunction"],
        ("POST", "/{account}/status/{token}"): ["StatusFunction"],
        ("GET", "/{account}/status/{token}"): ["StatusFunction"],
        ("POST", "/{account}/incoming/{token+}"): ["IncomingFunction"],
        ("GET", "/{account}/incoming/{token+}"): ["IncomingFunction"],
        ("POST", "/{account}/status/{token+}"): ["StatusFunction"],
        ("GET", "/{account}/status/{token+}"): ["StatusFunction"],
        ("GET", "/{account}/media/{id}"): ["MediaFunction"],
        ("HEAD", "/{account}/media/{id}"): ["MediaFunction"],
        ("GET", "/{account}/media/{id+}"): ["MediaFunction"],
        ("HEAD", "/{account}/media/{id+}"): ["MediaFunction"],
        ("GET", "/{account}/templates"): ["ImportFunction"],
        ("GET", "/{account}/{proxy+}"): ["ImportFunction"],
    }
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert {o["x-amazon-apigateway-integration"]["payloadFormatVersion"] for o in operations} == {"2.0"}


SEND_LIMITS = {"ThrottlingRateLimit": {"Ref": "SendRateLimit"}, "ThrottlingBurstLimit": {"Ref": "SendBurstLimit"}}


def test_api_gateway_may_invoke_the_function_of_every_address(resources: Json) -> None:
    """AWS does not say whether a permission is compared with the route or with the path of the request."""
    granted = [
        (permission["FunctionName"]["Ref"], permission["SourceArn"]["Fn::Sub"][0].partition("/${__Stage__}/")[2])
        for permission in of_type(resources, "AWS::Lambda::Permission").values()
        if "execute-api" in json.dumps(permission)
    ]
    for path, methods in resources["BridgeApi"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            (alias,) = re.findall(r"\$\{(\w+Aliaslive)\}", json.dumps(operation))
            address = path.replace("+}", "}/").replace("{", "").replace("}", "")
            for asked in (f"{method.upper()}{path}", f"{method.upper()}{address}"):
                assert any(fnmatchcase(asked, pattern) for to, pattern in granted if to == alias), asked


CALLBACK_LIMITS = {
    "ThrottlingRateLimit": {"Ref": "CallbackRateLimit"},
    "ThrottlingBurstLimit": {"Ref": "CallbackBurstLimit"},
}


# Mistakes that work; the same requests do not come by the usual address as well.
WITH_A_SLASH = {
    "POST /{account}/{proxy+}": SEND_LIMITS,
    "POST /{account}/incoming/{token+}": CALLBACK_LIMITS,
    "GET /{account}/incoming/{token+}": CALLBACK_LIMITS,
    "POST /{account}/status/{token+}": CALLBACK_LIMITS,
    "GET /{account}/status/{token+}": CALLBACK_LIMITS,
}


def stage_of(resources: Json) -> Json:
    ((_, stage),) = of_type(resources, "AWS::ApiGatewayV2::Stage").items()
    return dict(stage)


def test_routes_have_limits_of_their_own(resources: Json) -> None:
    stage = stage_of(resources)
    assert stage["RouteSettings"] == {
        "POST /{account}/send": SEND_LIMITS,
        "POST /{account}/incoming/{token}": CALLBACK_LIMITS,
        "GET /{account}/incoming/{token}": CALLBACK_LIMITS,
        "POST /{account}/status/{token}": CALLBACK_LIMITS,
        "GET /{account}/status/{token}": CALLBACK_LIMITS,
        **WITH_A_SLASH,
    }
    # API Gateway refuses settings of a route that is not there.
    paths = resources["BridgeApi"]["Properties"]["Body"]["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert routes - set(stage["RouteSettings"]) == {
        "GET /{account}/media/{id}",
        "HEAD /{account}/media/{id}",
        "GET /{account}/media/{id+}",
        "HEAD /{account}/media/{id+}",
        "GET /{account}/templates",
        "GET /{account}/{proxy+}",
    }


@pytest.mark.parametrize(("limit", "quota"), [("ThrottlingRateLimit", 2500), ("ThrottlingBurstLimit", 1250)])
def test_default_limits_together_fit_the_smaller_quota_of_an_account(resources: Json, limit: str, quota: int) -> None:
    stage = stage_of(resources)
    limited = [limits for route, limits in stage["RouteSettings"].items() if route not in WITH_A_SLASH]
    limits = [stage["DefaultRouteSettings"], *limited]
    assert sum(int(resolved(each[limit])) for each in limits) <= quota


def test_stage_logs_no_personal_data(resources: Json) -> None:
    stage = stage_of(resources)
    assert stage["AccessLogSettings"]["DestinationArn"] == arn("ApiAccessLogs")
    assert set(json.loads(stage["AccessLogSettings"]["Format"]).values()) == {
        "$context.requestTime",
        "$context.requestId",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.integrationStatus",
        "$context.integrationLatency",
        "$context.integrationErrorMessage",
        "$context.error.responseType",
    }


@pytest.mark.parametrize(
    ("mapping", "queue", "batch", "window"),
    [
        ("DispatchFunctionConversation", "Conversation", 1, None),
        ("DispatchFunctionCampaign", "Campaign", 100, 1),
        ("ForwardFunctionReplies", "Replies", 1, None),
        ("ForwardFunctionStatuses", "Statuses", 500, 1),
        ("TemplatesFunctionQueue", "Templates", 1, None),
    ],
)
def test_event_sources(resources: Json, mapping: str, queue: str, batch: int, window: int | None) -> None:
    source = resources[mapping]["Properties"]
    assert source["EventSourceArn"] == arn(f"{queue}Queue")
    assert source["BatchSize"] == batch
    assert source.get("MaximumBatchingWindowInSeconds") == window
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": {"Ref": f"{queue}Concurrency"}}
    timeout = resources[source["FunctionName"]["Ref"].removesuffix("Aliaslive")]["Properties"]["Timeout"]
    assert resources[f"{queue}Queue"]["Properties"]["VisibilityTimeout"] == 6 * timeout + (window or 0)


def test_every_event_source_is_in_the_table_above(resources: Json) -> None:
    assert len(of_type(resources, "AWS::Lambda::EventSourceMapping")) == 5


@pytest.mark.parametrize("queue", [*FIFO, *STANDARD])
def test_working_queues_redrive_to_a_queue_of_their_kind(resources: Json, queue: str) -> None:
    working, dead = (resources[f"{name}Queue"]["Properties"] for name in (queue, f"{queue}DeadLetter"))
    assert working["RedrivePolicy"]["deadLetterTargetArn"] == arn(f"{queue}DeadLetterQueue")
    assert "RedrivePolicy" not in dead
    for properties in (working, dead):
        assert properties.get("FifoQueue") is (True if queue in FIFO else None)


@pytest.mark.parametrize("queue", [*FIFO, *STANDARD])
def test_an_hour_of_throttled_lambda_dead_letters_nothing(resources: Json, queue: str) -> None:
    properties = resources[f"{queue}Queue"]["Properties"]
    receives = properties["RedrivePolicy"]["maxReceiveCount"]
    assert receives == (1000 if queue in FIFO else 100)
    # Lambda counts as a receive what it was too busy to start.
    assert receives * properties["VisibilityTimeout"] > 3600


def test_queues_take_messages_as_large_as_the_code_sends(resources: Json) -> None:
    found = of_type(resources, "AWS::SQS::Queue").values()
    assert {queue["MaximumMessageSize"] for queue in found} == {MAX_MESSAGE_BYTES}


def test_a_replaced_queue_is_kept(resources: Json) -> None:
    for queue in of_type(resources, "AWS::SQS::Queue"):
        assert (resources[queue]["DeletionPolicy"], resources[queue]["UpdateReplacePolicy"]) == ("Delete", "Retain")


def test_queues_are_encrypted_and_kept_for_the_longest_time(resources: Json) -> None:
    found = of_type(resources, "AWS::SQS::Queue")
    with_dead_letters = {f"{name}{kind}Queue" for name in (*FIFO, *STANDARD) for kind in ("", "DeadLetter")}
    assert set(found) == with_dead_letters | {"QuarantineQueue", "PeopleQuarantineQueue"}
    assert {(q["SqsManagedSseEnabled"], q["MessageRetentionPeriod"]) for q in found.values()} == {(True, 14 * 86_400)}


@pytest.mark.parametrize("queue", [f"{queue}{kind}" for queue in FIFO for kind in ("", "DeadLetter")])
def test_fifo_queues_order_and_deduplicate_by_group(resources: Json, queue: str) -> None:
    properties = resources[f"{queue}Queue"]["Properties"]
    assert properties["ContentBasedDeduplication"] is False
    assert properties["DeduplicationScope"] == "messageGroup"
    assert properties["FifoThroughputLimit"] == "perMessageGroupId"


OWN = sub("CleverTapWhatsAppBridge/${AWS::StackName}")
"""The namespace of the bridge's own metrics."""


class Metric(NamedTuple):
    """A statistic of a metric for periods of `seconds`. `of`: its dimensions, with their values."""

    namespace: Any
    name: str
    of: dict[str, Any]
    statistic: str
    seconds: int


class ByAccount(NamedTuple):
    """The sum of a metric of the stack's, for each account on its own."""

    name: str
    seconds: int = 300

    @property
    def query(self) -> str:
        metrics = f'{OWN["Fn::Sub"]}", "account", "service"'
        return f'SELECT SUM({self.name}) FROM SCHEMA("{metrics}) GROUP BY "account" ORDER BY SUM() DESC'


class Alarm(NamedTuple):
    """Raised when `due` of the last `periods` values of `watched` are `threshold` or more.

    `watched`: a metric, one by account, or an expression and the metrics in it by their names.
    """

    watched: Metric | ByAccount | tuple[str, dict[str, Metric]]
    due: int = 1
    periods: int = 1
    threshold: int = 1

    @property
    def metrics(self) -> list[Metric]:
        match self.watched:
            case Metric() as metric:
                return [metric]
            case ByAccount():
                return []
            case _, metrics:
                return list(metrics.values())

    @property
    def every(self) -> int:
        """Seconds of a period."""
        if isinstance(self.watched, ByAccount):
            return self.watched.seconds
        (seconds,) = {metric.seconds for metric in self.metrics}
        return seconds


def queue_metric(metric: str, queue: str, seconds: int = 60) -> Metric:
    return Metric("AWS/SQS", metric, {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}, "Maximum", seconds)


def own(metric: str, service: str, statistic: str = "Sum") -> Metric:
    return Metric(OWN, metric, {"service": service}, statistic, 300)


def of_function(metric: str, function: str) -> Alarm:
    return Alarm(Metric("AWS/Lambda", metric, {"FunctionName": {"Ref": function}}, "Sum", 60))


def of_table(metric: str, **index: str) -> Alarm:
    """DynamoDB's metrics have data only while it throttles, and alarms on them keep their state without."""
    throttled = Metric("AWS/DynamoDB", metric, {"TableName": {"Ref": "MessagesTable"}, **index}, "Sum", 300)
    return Alarm(("FILL(throttled, 0)", {"throttled": throttled}))


def arrivals(queue: str) -> Alarm:
    there = {"visible": queue_metric(DEPTH, queue, 60), "hidden": queue_metric(IN_FLIGHT, queue, 60)}
    return Alarm(("DIFF(visible + hidden)", there))


def oldest(queue: str, threshold: int) -> Alarm:
    return Alarm(queue_metric(AGE, queue), threshold=threshold)


def once(metric: str, service: str, threshold: int = 1) -> Alarm:
    return Alarm(own(metric, service), threshold=threshold)


def often(metric: str, service: str) -> Alarm:
    """In a quarter of an hour of the last hour: with little traffic most periods have nothing."""
    return Alarm(own(metric, service), due=3, periods=12)


def lasting(metric: str, service: str, statistic: str = "Sum", threshold: int = 1) -> Alarm:
    """Retries come up to an hour apart: the alarm stays meanwhile."""
    return Alarm(own(metric, service, statistic), due=1, periods=12, threshold=threshold)


def share(failed: Metric, done: Metric, of: int) -> tuple[str, dict[str, Metric]]:
    """How many failed, if that is more than one in `of`."""
    return f"IF(failed * {of} > SUM([failed, done]), failed, 0)", {"failed": failed, "done": done}


DEPTH, IN_FLIGHT = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
AGE = "ApproximateAgeOfOldestMessage"
RECURSION = "RecursiveInvocationsDropped"
MAY_RECURSE = {"DispatchFunction", "ForwardFunction"}
UNREAD = (*(f"{queue}DeadLetter" for queue in (*FIFO, *STANDARD)), "Quarantine")
"""Queues that operators alone read."""
REJECTED, SENT = own("MessagesRejected", "dispatch"), own("MessagesSent", "dispatch")
UNREPORTED = (
    "IF(SUM([sent, status, incoming]) > sent, 0, sent)",
    {"sent": SENT, **{service: own("StatusesReceived", service) for service in ("status", "incoming")}},
)
FOR_STRANGERS = ("send", "incoming", "status", "import")
BEYOND_BUDGET = (
    f"SUM([{', '.join(FOR_STRANGERS)}])",
    {service: own("NamesBeyondBudget", service) for service in FOR_STRANGERS},
)
REFUSED, ACCEPTED = own("MessagesRefused", "send"), own("MessagesAccepted", "send")
OF_TEMPLATES = (
    *("TemplatesRejected", "TemplatesPaused", "TemplatesDisabled", "TemplatesQualityFalls", "AccountsRestricted"),
    *("NumbersChanged", "TemplatesPermissionMissing", "TemplatesSyncOld"),
)
# Another logical id would be another alarm: CloudFormation deletes the old one, with its history.
ALARMS = {
    **{f"{queue}DepthAlarm": Alarm(queue_metric(DEPTH, f"{queue}Queue")) for queue in UNREAD},
    **{f"{queue}ArrivalsAlarm": arrivals(f"{queue}Queue") for queue in UNREAD},
    **{f"{queue}AgeAlarm": oldest(f"{queue}Queue", 10 * 86_400) for queue in UNREAD},
    # Its depth and arrivals have no alarm: PeopleWithoutNumberAlarm counts each person once a day.
    "PeopleQuarantineAgeAlarm": oldest("PeopleQuarantineQueue", 10 * 86_400),
    "ConversationAgeAlarm": oldest("ConversationQueue", 300),
    "CampaignAgeAlarm": oldest("CampaignQueue", 1800),
    "RepliesAgeAlarm": oldest("RepliesQueue", 300),
    "StatusesAgeAlarm": oldest("StatusesQueue", 1800),
    "TemplatesAgeAlarm": oldest("TemplatesQueue", 7200),
    "FreeformAgeAlarm": lasting("FreeformAge", "dispatch", "Maximum", 300),
    "TemplateAgeAlarm": lasting("TemplateAge", "dispatch", "Maximum", 1800),
    "ReplyAgeAlarm": lasting("ReplyAge", "forward", "Maximum", 300),
    "StatusAgeAlarm": lasting("StatusAge", "forward", "Maximum", 1800),
    "ProviderPausedAlarm": Alarm(ByAccount("ProviderPaused"), due=1, periods=12),
    "CleverTapPausedAlarm": Alarm(ByAccount("CleverTapPaused"), due=1, periods=12),
    "TemplatesLostAlarm": Alarm(ByAccount("TemplatesLost"), due=1, periods=12),
    "TemplateListsMissingAlarm": once("TemplateListsMissing", "import"),
    **{f"{metric}Alarm": Alarm(ByAccount(metric), due=1, periods=12) for metric in OF_TEMPLATES},
    "StatusesMissingAlarm": Alarm(UNREPORTED, due=3, periods=12, threshold=5),
    "DispatchBreakersUnavailableAlarm": often("BreakersUnavailable", "dispatch"),
    "ForwardBreakersUnavailableAlarm": often("BreakersUnavailable", "forward"),
    "CleverTapUnavailableAlarm": often("CleverTapUnavailable", "forward"),
    "MessagesNotSentAlarm": often("MessagesNotSent", "dispatch"),
    "MessagesThrottledAlarm": often("MessagesThrottled", "dispatch"),
    "MessagesUnconfirmedAlarm": often("MessagesUnconfirmed", "forward"),
    "RepliesUnreadableAlarm": often("RepliesUnreadable", "forward"),
    "MediaNotFetchedAlarm": often("MediaNotFetched", "forward"),
    "DispatchRecordsReturnedAlarm": often("RecordsReturned", "dispatch"),
    "ForwardRecordsReturnedAlarm": often("RecordsReturned", "forward"),
    "InvalidCredentialsAlarm": often("InvalidCredentials", "send"),
    "IncomingCallbacksForbiddenAlarm": often("CallbacksForbidden", "incoming"),
    "StatusCallbacksForbiddenAlarm": often("CallbacksForbidden", "status"),
    "IncomingCallbacksMalformedAlarm": often("CallbacksMalformed", "incoming"),
    "StatusCallbacksMalformedAlarm": often("CallbacksMalformed", "status"),
    "ImportInvalidCredentialsAlarm": often("InvalidCredentials", "import"),
    "IncomingCallbacksForbiddenBurstAlarm": once("CallbacksForbidden", "incoming", 20),
    "StatusCallbacksForbiddenBurstAlarm": once("CallbacksForbidden", "status", 20),
    "MediaForbiddenAlarm": once("MediaForbidden", "media", 100),
    "NamesBeyondBudgetAlarm": Alarm(BEYOND_BUDGET, due=3, periods=12, threshold=100),
    "InvalidCredentialsBurstAlarm": once("InvalidCredentials", "send", 20),
    "MessagesUnknownAlarm": often("MessagesUnknown", "dispatch"),
    "MessagesUnknownBurstAlarm": once("MessagesUnknown", "dispatch", 5),
    "MessagesRejectedAlarm": Alarm(share(REJECTED, SENT, 2), due=3, periods=12),
    "MessagesRejectedBurstAlarm": Alarm(share(REJECTED, SENT, 5), threshold=20),
    "MessagesRefusedBurstAlarm": Alarm(share(REFUSED, ACCEPTED, 2), threshold=20),
    "StatusesDeadLetteredAlarm": once("StatusesDeadLettered", "forward"),
    "RepliesDeadLetteredAlarm": once("RepliesDeadLettered", "forward"),
    "DispatchHopsExceededAlarm": once("HopsExceeded", "dispatch"),
    "ForwardHopsExceededAlarm": once("HopsExceeded", "forward"),
    "DispatchProviderAccountAlarm": once("ProviderAccountAlarms", "dispatch"),
    "IncomingProviderAccountAlarm": once("ProviderAccountAlarms", "incoming"),
    "StatusProviderAccountAlarm": once("ProviderAccountAlarms", "status"),
    "ForwardProviderAccountAlarm": once("ProviderAccountAlarms", "forward"),
    "PeopleWithoutNumberAlarm": once("PeopleWithoutNumber", "forward"),
    **{f"{function}AccountsStaleAlarm": once("AccountsStale", function.lower()) for function in FUNCTIONS},
    **{f"{function}ErrorsAlarm": of_function("Errors", f"{function}Function") for function in FUNCTIONS},
    **{f"{function}ThrottlesAlarm": of_function("Throttles", f"{function}Function") for function in FUNCTIONS},
    "SendRecursionAlarm": of_function(RECURSION, "SendFunction"),
    "IncomingRecursionAlarm": of_function(RECURSION, "IncomingFunction"),
    "StatusRecursionAlarm": of_function(RECURSION, "StatusFunction"),
    "MediaRecursionAlarm": of_function(RECURSION, "MediaFunction"),
    "ImportRecursionAlarm": of_function(RECURSION, "ImportFunction"),
    "TemplatesRecursionAlarm": of_function(RECURSION, "TemplatesFunction"),
    "ApiServerErrorsAlarm": Alarm(Metric("AWS/ApiGateway", "5xx", {"ApiId": {"Ref": "BridgeApi"}}, "Sum", 60)),
    "RequestsThrottledAlarm": Alarm(Metric(OWN, "RequestsThrottled", {}, "Sum", 60)),
    "RequestsFailedAlarm": Alarm(Metric(OWN, "RequestsFailed", {}, "Sum", 60)),
    "TableWriteThrottlesAlarm": of_table("WriteThrottleEvents"),
    "TableReadThrottlesAlarm": of_table("ReadThrottleEvents"),
    "IndexWriteThrottlesAlarm": of_table("WriteThrottleEvents", GlobalSecondaryIndexName="bsp_id"),
    "IndexReadThrottlesAlarm": of_table("ReadThrottleEvents", GlobalSecondaryIndexName="bsp_id"),
}


def metric(metric: Json, statistic: str, seconds: int) -> Metric:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
    return Metric(metric["Namespace"], metric["MetricName"], dimensions, statistic, seconds)


def watched(properties: Json) -> Metric | ByAccount | tuple[str, dict[str, Metric]]:
    if "Metrics" not in properties:
        return metric(properties, properties["Statistic"], properties["Period"])
    result, *queries = properties["Metrics"]
    assert "ReturnData" not in result
    if not queries:
        query = result["Expression"]["Fn::Sub"]
        found = ByAccount(query.removeprefix("SELECT SUM(").partition(")")[0], result["Period"])
        assert query == found.query
        return found
    assert {query["ReturnData"] for query in queries} == {False}
    stats = {query["Id"]: query["MetricStat"] for query in queries}
    return result["Expression"], {
        name: metric(stat["Metric"], stat["Stat"], stat["Period"]) for name, stat in stats.items()
    }


def alarms(resources: Json) -> dict[str, Alarm]:
    return {
        name: Alarm(watched(p), p["DatapointsToAlarm"], p["EvaluationPeriods"], p["Threshold"])
        for name, p in of_type(resources, "AWS::CloudWatch::Alarm").items()
    }


@pytest.mark.parametrize("name", ALARMS)
def test_alarm(resources: Json, name: str) -> None:
    assert alarms(resources)[name] == ALARMS[name]


def test_every_alarm_is_in_the_table_above(resources: Json) -> None:
    assert set(alarms(resources)) == set(ALARMS)


def test_two_stacks_of_an_account_share_no_metric_and_no_alarm(resources: Json) -> None:
    for name, alarm in alarms(resources).items():
        for metric in alarm.metrics:
            assert metric.namespace == OWN or any(isinstance(value, dict) for value in metric.of.values()), name
        # CloudFormation puts the stack's name into the names that it gives.
        assert "AlarmName" not in resources[name]["Properties"]
    for function in FUNCTIONS:
        assert environment(resources, function)["POWERTOOLS_METRICS_NAMESPACE"] == OWN


def test_every_queue_function_table_index_and_the_api_have_their_alarms(resources: Json) -> None:
    due = [
        Alarm(Metric("AWS/ApiGateway", "5xx", {"ApiId": {"Ref": name}}, "Sum", 60))
        for name in of_type(resources, "AWS::ApiGatewayV2::Api")
    ]
    watched = {
        (m.name, json.dumps(m.of)) for alarm in alarms(resources).values() for m in alarm.metrics if m.namespace != OWN
    }
    for name, queue in of_type(resources, "AWS::SQS::Queue").items():
        # People without a number are counted by a metric.
        read = "RedrivePolicy" in queue or name == "PeopleQuarantineQueue"
        due += [Alarm(queue_metric(metric, name)) for metric in ([AGE] if read else [DEPTH, IN_FLIGHT, AGE])]
    for name in of_type(resources, "AWS::Lambda::Function"):
        # Where recursion is allowed, Lambda does not emit its metric.
        metrics = ["Errors", "Throttles", *([] if name in MAY_RECURSE else [RECURSION])]
        due += [of_function(metric, name) for metric in metrics]
    for name, table in of_type(resources, "AWS::DynamoDB::Table").items():
        assert name == "MessagesTable"
        indexes = [{}, *({"GlobalSecondaryIndexName": i["IndexName"]} for i in table["GlobalSecondaryIndexes"])]
        due += [of_table(f"{kind}ThrottleEvents", **index) for kind in ("Read", "Write") for index in indexes]
    assert watched == {(m.name, json.dumps(m.of)) for alarm in due for m in alarm.metrics}


def test_dead_letters_raise_an_alarm_days_before_sqs_deletes_them(resources: Json) -> None:
    for queue in STANDARD:
        kept = resources[f"{queue}DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"]
        working = resources[f"{queue}Queue"]["Properties"]
        # SQS counts the days of what it moved itself from the working queue on.
        there = working["RedrivePolicy"]["maxReceiveCount"] * working["VisibilityTimeout"]
        assert ALARMS[f"{queue}DeadLetterAgeAlarm"].threshold + there < kept - 3 * 86_400


def test_an_alarm_looks_back_at_most_a_day(resources: Json) -> None:
    # CloudWatch's limit for periods of less than an hour.
    assert max(alarm.every * alarm.periods for alarm in alarms(resources).values()) <= 86_400


@pytest.mark.parametrize(
    ("name", "pattern", "counts"),
    [("ThrottledRequests", "429", "RequestsThrottled"), ("FailedRequests", "5*", "RequestsFailed")],
)
def test_the_apis_own_answers_are_counted(resources: Json, name: str, pattern: str, counts: str) -> None:
    properties = of_type(resources, "AWS::Logs::MetricFilter")[name]
    assert properties["LogGroupName"] == {"Ref": "ApiAccessLogs"}
    assert properties["FilterPattern"] == f'{{ $.status = "{pattern}" }}'
    (made,) = properties["MetricTransformations"]
    assert (made["MetricNamespace"], made["MetricName"], made["MetricValue"]) == (OWN, counts, "1")
    # The log writes the status in quotes.
    assert '"status":"$context.status"' in stage_of(resources)["AccessLogSettings"]["Format"]


def test_each_alarm_says_what_it_is_for_and_what_to_do(resources: Json) -> None:
    said = {name: p["AlarmDescription"] for name, p in of_type(resources, "AWS::CloudWatch::Alarm").items()}
    # Of several functions, and it means the same of each.
    kinds = ("ProviderAccountAlarm", "AccountsStaleAlarm", "BreakersUnavailableAlarm")
    # Forward's is about files.
    alike = [[name for name in said if name.endswith(kind) and name != "ForwardProviderAccountAlarm"] for kind in kinds]
    for names in alike:
        assert len({said[name] for name in names}) == 1
    assert len(set(said.values())) == len(said) - sum(len(names) - 1 for names in alike)
    # What happened; what to do, or where to look.
    assert {name for name, text in said.items() if not re.search(r"^[A-Z].*[.;] *[A-Za-z].*[.?]$", text)} == set()
    for function in FUNCTIONS:
        for kind, happened in (
            ("Errors", "failed or timed out"),
            ("Throttles", "was throttled for lack of concurrency"),
        ):
            assert said[f"{function}{kind}Alarm"].startswith(f"The {function.lower()} function {happened}.")


def test_alarms_notify_the_topic_when_there_is_one(resources: Json) -> None:
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm").items():
        # It guards deployments; another alarm notifies of the same.
        assert properties["AlarmActions"] == (action["Fn::If"][2] if name == "RequestsFailedAlarm" else action)
        assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert properties["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_log_to_a_group_that_expires(resources: Json, function: str) -> None:
    logging = resources[f"{function}Function"]["Properties"]["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": f"{function}Logs"}}


def test_every_log_group_expires(resources: Json) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert set(groups) == {"ApiAccessLogs", *(f"{function}Logs" for function in FUNCTIONS)}
    assert [group["RetentionInDays"] for group in groups.values()] == [{"Ref": "LogRetentionDays"}] * len(groups)


def test_messages_table_is_kept_and_recoverable_and_forgets(resources: Json) -> None:
    table = resources["MessagesTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert properties["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    (index,) = properties["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "bsp_id"
    assert index["KeySchema"] == [{"AttributeName": "bsp_id", "KeyType": "HASH"}]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


@pytest.mark.parametrize(
    ("parameters", "table", "index"),
    [
        pytest.param({}, None, None, id="left to DynamoDB"),
        pytest.param({"TableWarmWrites": "12200"}, {"WriteUnitsPerSecond": "12200"}, None, id="table"),
        pytest.param({"IndexWarmWrites": "5000"}, None, {"WriteUnitsPerSecond": "5000"}, id="index"),
    ],
)
def test_table_and_index_are_warm_for_the_writes_of_the_parameters(
    resources: Json, parameters: dict[str, str], table: Json | None, index: Json | None
) -> None:
    properties = resolved(resources["MessagesTable"]["Properties"], **parameters)
    assert properties.get("WarmThroughput") == table
    assert properties["GlobalSecondaryIndexes"][0].get("WarmThroughput") == index


def test_the_bucket_is_private_and_encrypted(resources: Json) -> None:
    kept = resources["PayloadsBucket"]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    bucket = resources["PayloadsBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = resources["PayloadsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [arn("PayloadsBucket"), sub("${PayloadsBucket.Arn}/*")]


def test_what_guards_a_resource_is_kept_as_long_as_that_is(resources: Json) -> None:
    """Policies of buckets, queues, topics and the like; what a role may do ends with the role."""
    kept = {name for name, r in resources.items() if r.get("DeletionPolicy", "Delete") != "Delete"}
    policies = {name: r for name, r in resources.items() if re.fullmatch(r"AWS::(?!IAM::).*Policy", r["Type"])}
    guards = [(name, of) for name, r in policies.items() for of in set(referred(r)) & resources.keys()]

    assert guards == [("PayloadsBucketPolicy", "PayloadsBucket")]
    assert kept == {"MessagesTable", "PayloadsBucket", "PayloadsBucketPolicy", "SigningKey"}
    for guard, of in guards:
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            assert resources[guard].get(policy) == resources[of].get(policy)


def test_what_is_in_the_bucket_expires(resources: Json) -> None:
    rules = resources["PayloadsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules}
    assert days.keys() == {"payloads/", "media/"}
    # Behind the messages that name them: 14 days on a queue, and 14 anew on its dead-letter queue if it is FIFO.
    assert days["payloads/"] > 28
    # Not before the links to them, which forward makes from the same parameter.
    assert days["media/"] == {"Ref": "MediaTtlDays"}
    for function in ("Forward", "Media"):
        assert environment(resources, function)["MEDIA_TTL_DAYS"] == days["media/"]


def test_the_signing_key_is_made_here_and_outlives_the_stack(resources: Json) -> None:
    kept = resources["SigningKey"]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    # CloudFormation makes a name, under no account's prefix, and one that the next stack of this name has not.
    assert "Name" not in kept["Properties"]
    for function in set(FUNCTIONS) - WITHOUT_SIGNING_KEY:
        assert environment(resources, function)["SIGNING_KEY_SECRET"] == {"Ref": "SigningKey"}


def test_the_signing_key_that_is_made_is_one(resources: Json) -> None:
    made = resources["SigningKey"]["Properties"]["GenerateSecretString"]
    assert made["ExcludePunctuation"] is True
    secret = Secret("SigningKey", made["SecretStringTemplate"], made["GenerateStringKey"], made["PasswordLength"])
    (key,) = read_signing_keys(secret.text(Random(1)))
    assert len(key) == 64


def test_links_are_for_the_api_unless_told_otherwise(resources: Json) -> None:
    own = sub("https://${BridgeApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}")
    given = {"Fn::If": ["HasPublicUrl", {"Ref": "PublicUrl"}, own]}
    assert environment(resources, "Forward")["PUBLIC_URL"] == given
    assert TEMPLATE["Conditions"]["HasPublicUrl"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "PublicUrl"}, ""]}]}
    assert own == TEMPLATE["Outputs"]["ApiUrl"]["Value"]


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        pytest.param("", True, id="none"),
        pytest.param("https://bridge.example.com", True, id="host"),
        pytest.param("https://bridge.example.com:8443", True, id="port"),
        pytest.param("https://bridge.example.com/whatsapp/live", True, id="base path"),
        pytest.param("http://bridge.example.com", False, id="for everybody to read"),
        pytest.param("http://127.0.0.1:8080", False, id="this machine, on which no stack of AWS is"),
        pytest.param("bridge.example.com", False, id="no scheme"),
        pytest.param("https://", False, id="no host"),
        pytest.param("https://bridge.example.com/", False, id="slash at the end"),
        pytest.param("https://bridge.example.com/a/", False, id="slash behind a path"),
        pytest.param("https://bridge.example.com?a=b", False, id="query"),
        pytest.param("https://bridge.example.com/a#b", False, id="fragment"),
        pytest.param("ftp://bridge.example.com", False, id="another scheme"),
        pytest.param("https://bridge.example.com/a b", False, id="space"),
        pytest.param("https://user:password@bridge.example.com", False, id="credentials"),
    ],
)
def test_public_url(value: str, taken: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"]["PublicUrl"]["AllowedPattern"], value)) is taken


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_follow_the_parameters(resources: Json, function: str) -> None:
    properties = resources[f"{function}Function"]["Properties"]
    assert properties["Architectures"] == [{"Ref": "Architecture"}]
    assert properties["Runtime"] == "python3.13"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_that_somebody_waits_for_start_from_a_snapshot(resources: Json, function: str) -> None:
    waited_for = function in ("Send", "Media")
    snap_start = resources[f"{function}Function"]["Properties"]["SnapStart"]
    assert snap_start == {"ApplyOn": {"Ref": "SnapStart" if waited_for else "BackgroundSnapStart"}}
    assert resolved(snap_start) == {"ApplyOn": "PublishedVersions" if waited_for else "None"}


RESERVES = {
    "Send": "SendReservedConcurrency",
    "Incoming": "CallbackReservedConcurrency",
    "Status": "CallbackReservedConcurrency",
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_reserved_concurrency(resources: Json, function: str) -> None:
    properties = resources[f"{function}Function"]["Properties"]
    setting = {key: value for key, value in properties.items() if key == "ReservedConcurrentExecutions"}
    assert resolved(setting) == {}
    for parameter in set(RESERVES.values()):
        reserved = resolved(setting, **{parameter: "250"})
        assert list(reserved.values()) == (["250"] if RESERVES.get(function) == parameter else [])


def test_layer_is_built_for_the_chosen_architecture() -> None:
    layer = TEMPLATE["Resources"]["BridgeLayer"]
    assert layer["Metadata"] == {"BuildMethod": "python3.13", "BuildArchitecture": {"Ref": "Architecture"}}


def versions(resources: Json) -> set[str]:
    return set(of_type(resources, "AWS::Lambda::Version"))


@pytest.mark.parametrize("changed", [{"code": "other"}, {"layer": "other"}], ids=["code", "layer alone"])
def test_a_change_of_code_reaches_the_alias_of_every_function(
    transform: Callable[..., Json], resources: Json, changed: dict[str, str]
) -> None:
    before, after = versions(resources), versions(transform(**changed))
    assert len(after) == len(FUNCTIONS)
    assert not before & after


def parameters_in(value: Any) -> set[str]:
    """Names of the template's parameters that `value` refers to."""
    text = json.dumps(value)
    referred = set(re.findall(r'\{"Ref": "(\w+)"\}', text)) | set(re.findall(r"\$\{(\w+)\}", text))
    return referred & set(TEMPLATE["Parameters"])


def version_of(resources: Json, function: str) -> Json:
    """The published version of a function, with its description."""
    (version,) = (
        p
        for p in of_type(resources, "AWS::Lambda::Version").values()
        if p["FunctionName"] == {"Ref": f"{function}Function"}
    )
    return dict(version)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_change_of_a_parameter_reaches_the_alias(resources: Json, function: str) -> None:
    # A version's description cannot be changed, so CloudFormation replaces the version, and the alias follows.
    properties = dict(resources[f"{function}Function"]["Properties"])
    # This belongs to the function, not to its versions.
    properties.pop("ReservedConcurrentExecutions", None)
    used = parameters_in(properties)
    assert used
    assert parameters_in(version_of(resources, function)["Description"]) == used


KEPT = ("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::S3::Bucket")


def named(resources: Json, stack: str, suffixes: dict[str, str]) -> Json:
    """Attributes of queues, table and bucket, whose names CloudFormation makes of these parts, shortened if need be."""
    names = {}
    for logical_id, resource in resources.items():
        if resource["Type"] in KEPT:
            end = "-" + suffixes.get(logical_id, "ABCDEFGHIJKLM")
            if resource["Type"] == "AWS::S3::Bucket":
                name = f"{stack}-{logical_id}"[: 63 - len(end)].lower() + end.lower()
            else:
                end += ".fifo" if resource["Properties"].get("FifoQueue") else ""
                name = f"{stack}-{logical_id}"[: 80 - len(end)] + end
            names[logical_id] = {"Ref": name, "QueueName": name}
    return names


def layer_of(resources: Json) -> tuple[str, Json]:
    ((name, layer),) = of_type(resources, "AWS::Lambda::LayerVersion").items()
    return name, layer


@pytest.mark.parametrize("replaced", [name for name, made in TEMPLATE["Resources"].items() if made["Type"] in KEPT])
def test_a_replaced_queue_table_or_bucket_publishes_another_layer(resources: Json, replaced: str) -> None:
    _, layer = layer_of(resources)
    before, after = (
        resolved(layer["Description"], names=named(resources, "whatsapp-bridge", suffixes))
        for suffixes in ({}, {replaced: "NOPQRSTUVWXYZ"})
    )
    assert before != after


@pytest.mark.parametrize("function", FUNCTIONS)
def test_another_layer_reaches_the_alias(resources: Json, function: str) -> None:
    name, _ = layer_of(resources)
    description = version_of(resources, function)["Description"]
    one, two = (
        resolved(description, names={name: {"Ref": f"arn:aws:lambda:us-east-1:1:layer:BridgeLayer:{number}"}})
        for number in (7, 8)
    )
    assert (one.split()[-1], two.split()[-1]) == ("7", "8")


@pytest.mark.parametrize("stack", ["b", "whatsapp-bridge", "w" * 128])
def test_descriptions_are_within_lambdas_256_characters(resources: Json, stack: str) -> None:
    name, layer = layer_of(resources)
    names = named(resources, stack, {}) | {name: {"Ref": "arn:aws:lambda:us-east-1:1:layer:BridgeLayer:9999"}}
    # As long as each may be.
    parameters = {
        "LogLevel": "CRITICAL",
        "SnapStart": "PublishedVersions",
        "BackgroundSnapStart": "PublishedVersions",
        "Architecture": "x86_64",
        "MessageTtlDays": "3650",
        "MediaTtlDays": "365",
        "TemplateSyncMinutes": "1440",
    } | {name: "x" * made["MaxLength"] for name, made in TEMPLATE["Parameters"].items() if "MaxLength" in made}
    descriptions = [layer["Description"], *(version_of(resources, function)["Description"] for function in FUNCTIONS)]
    assert max(len(resolved(each, stack=stack, names=names, **parameters)) for each in descriptions) <= 256


def test_old_versions_are_deleted(resources: Json) -> None:
    versions = [made for made in resources.values() if made["Type"] == "AWS::Lambda::Version"]
    assert {version["DeletionPolicy"] for version in versions} == {"Delete"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_update_in_steps_is_taken_back_by_alarms(transform: Callable[..., Json], function: str) -> None:
    made = transform(deployment="Canary10Percent5Minutes")
    group = made[f"{function}FunctionDeploymentGroup"]["Properties"]
    assert resolved(group["DeploymentConfigName"]) == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    condition, gradual, at_once = group["AlarmConfiguration"]["Fn::If"]
    watched = ["SendErrorsAlarm", "SendThrottlesAlarm", "RequestsFailedAlarm"]
    assert gradual == {"Enabled": True, "Alarms": [{"Name": {"Ref": name}} for name in watched]}
    # At once, a correction must pass while the alarm of the fault is on.
    assert at_once == {}
    assert resolved({"Fn::If": [condition, "gradual", "at once"]}) == "at once"
    alias = made[f"{function}FunctionAliaslive"]
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {
        "Ref": f"{function}FunctionDeploymentGroup"
    }


def referred(value: Any) -> Iterator[str]:
    """What a resource needs before it, as CloudFormation finds it; not only resources."""
    if isinstance(value, list):
        for item in value:
            yield from referred(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            match key:
                case "Ref":
                    yield item
                case "Fn::GetAtt":
                    yield item[0]
                case "Fn::Sub":
                    yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", str(item)))
                    yield from referred(item)
                case _:
                    yield from referred(item)


def test_no_resource_waits_for_itself(resources: Json) -> None:
    # cfn-lint does not find this behind SAM's transform.
    needs = {name: set(referred(made)) & set(resources) for name, made in resources.items()}
    TopologicalSorter(needs).prepare()


def test_templates_are_synced_as_often_as_the_parameter_says(resources: Json) -> None:
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    assert resolved(rule["ScheduleExpression"], TemplateSyncMinutes="15") == "rate(15 minutes)"
    assert rule["Targets"][0]["Arn"] == {"Ref": "TemplatesFunctionAliaslive"}
    # "rate(1 minutes)" is none.
    assert TEMPLATE["Parameters"]["TemplateSyncMinutes"]["MinValue"] > 1


def test_what_is_to_be_pasted_is_output() -> None:
    base = "https://${BridgeApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    values = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    dead = [f"{queue}DeadLetter" for queue in (*FIFO, *STANDARD)]
    assert values == {
        "ApiUrl": sub(base),
        "SendUrl": sub(base + "/{account}/send"),
        "ImportUrl": sub(base + "/{account}/templates"),
        "IncomingUrl": sub(base + "/{account}/incoming/{token}"),
        "StatusUrl": sub(base + "/{account}/status/{token}"),
        "AccountSecretPrefix": sub("${AWS::StackName}/accounts/"),
        "SigningKey": {"Ref": "SigningKey"},
        "MessagesTable": {"Ref": "MessagesTable"},
        "PayloadsBucket": {"Ref": "PayloadsBucket"},
        **{f"{name}QueueUrl": {"Ref": f"{name}Queue"} for name in (*dead, "Quarantine", "PeopleQuarantine")},
    }
