"""The template as CloudFormation gets it, after SAM's transform: permissions, routes, queues, alarms, what is kept."""

import copy
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from whatsapp_bridge.runtime import settings
from whatsapp_bridge.runtime.schedules import Schedule

type Json = dict[str, Any]

TEMPLATE: Json = yaml_parse((Path(__file__).parents[1] / "template.yaml").read_text())
FUNCTIONS = ("Send", "Dispatch", "Incoming", "Status", "Forward", "Media")
FIFO = ("Conversation", "Replies")
STANDARD = ("Campaign", "Statuses")


@pytest.fixture(scope="module")
def transform() -> Callable[..., Json]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")

        def transform(*, code: str = "code", layer: str = "layer") -> Json:
            """The template's resources when the functions' code and the layer lie at these S3 keys."""
            template = copy.deepcopy(TEMPLATE)
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::Serverless::Function":
                    resource["Properties"]["CodeUri"] = f"s3://bucket/{code}"
                elif resource["Type"] == "AWS::Serverless::LayerVersion":
                    resource["Properties"]["ContentUri"] = f"s3://bucket/{layer}"
            resources: Json = Translator({}, Parser()).translate(template, {})["Resources"]
            return resources

        yield transform


@pytest.fixture(scope="module")
def resources(transform: Callable[..., Json]) -> Json:
    return transform()


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
RECEIVE = [
    (("sqs:SendMessage",), queues("Replies", "Statuses", "Quarantine")),
    (("s3:PutObject",), [PAYLOADS]),
]
PERMISSIONS: dict[str, list[tuple[tuple[str, ...], list[Any]]]] = {
    "Send": [(("sqs:SendMessage",), queues("Conversation", "Campaign"))],
    "Dispatch": [
        (POLL, queues("Conversation", "Campaign")),
        (("sqs:ChangeMessageVisibility",), queues("Conversation")),
        (("sqs:SendMessage",), queues("ConversationDeadLetter", "Campaign", "CampaignDeadLetter", "Statuses")),
        (("dynamodb:GetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
        (("kms:GenerateDataKey",), ["ClickatellMtKeyArn"]),
    ],
    "Incoming": RECEIVE,
    "Status": RECEIVE,
    "Forward": [
        (POLL, queues("Replies", "Statuses")),
        (("sqs:ChangeMessageVisibility",), queues("Replies")),
        (("sqs:SendMessage",), queues("Statuses", "Quarantine", "RepliesDeadLetter", "StatusesDeadLetter")),
        (("dynamodb:GetItem", "dynamodb:UpdateItem"), [arn("MessagesTable")]),
        (("dynamodb:Query",), [sub("${MessagesTable.Arn}/index/bsp_id")]),
        (("s3:GetObject", "s3:PutObject"), [PAYLOADS]),
        (("s3:PutObject",), [MEDIA]),
        (("kms:Decrypt",), ["ClickatellMoKeyArn"]),
    ],
    "Media": [(("s3:GetObject",), [MEDIA])],
}
ACCOUNTS = sub(
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/accounts/*"
)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(statement: Json) -> tuple[tuple[str, ...], list[Any]]:
    """Actions and resources of a statement; of one that depends on a key parameter, that parameter."""
    if "Fn::If" not in statement:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        return tuple(listed(statement["Action"])), listed(statement["Resource"])
    condition, given, otherwise = statement["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    separator, parameter = given["Resource"]["Fn::Split"]
    assert separator == ","
    assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [parameter, ""]}]}
    return tuple(listed(given["Action"])), [parameter["Ref"]]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_the_table_says_and_no_more(resources: Json, function: str) -> None:
    role = resources[f"{function}Role"]["Properties"]
    (policy,) = role["Policies"]
    common = [
        (("logs:CreateLogStream", "logs:PutLogEvents"), [arn(f"{function}Logs")]),
        (("secretsmanager:GetSecretValue",), [ACCOUNTS]),
    ]
    assert [granted(statement) for statement in policy["PolicyDocument"]["Statement"]] == common + PERMISSIONS[function]
    assert "ManagedPolicyArns" not in role
    assert resources[f"{function}Function"]["Properties"]["Role"] == arn(f"{function}Role")


def test_nothing_else_grants_anything(resources: Json) -> None:
    assert set(of_type(resources, "AWS::IAM::Role")) == {f"{function}Role" for function in FUNCTIONS}
    assert [name for name, r in resources.items() if r["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")] == []


@pytest.mark.parametrize("parameter", ["ClickatellMtKeyArn", "ClickatellMoKeyArn"])
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
        ("POST", "/{account}/incoming/{token}"): ["IncomingFunction"],
        ("GET", "/{account}/incoming/{token}"): ["IncomingFunction"],
        ("POST", "/{account}/status/{token}"): ["StatusFunction"],
        ("GET", "/{account}/status/{token}"): ["StatusFunction"],
        ("GET", "/{account}/media/{id}"): ["MediaFunction"],
    }
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert {o["x-amazon-apigateway-integration"]["payloadFormatVersion"] for o in operations} == {"2.0"}


def test_stage_is_throttled_and_logs_no_personal_data(resources: Json) -> None:
    ((_, stage),) = of_type(resources, "AWS::ApiGatewayV2::Stage").items()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottlingRateLimit"},
        "ThrottlingBurstLimit": {"Ref": "ThrottlingBurstLimit"},
    }
    # CleverTap opens up to 1500 requests at once per customer.
    assert TEMPLATE["Parameters"]["ThrottlingBurstLimit"]["Default"] >= 1500
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
    ],
)
def test_event_sources(resources: Json, mapping: str, queue: str, batch: int, window: int | None) -> None:
    source = resources[mapping]["Properties"]
    assert source["EventSourceArn"] == arn(f"{queue}Queue")
    assert source["BatchSize"] == batch
    assert source.get("MaximumBatchingWindowInSeconds") == window
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": {"Ref": f"{queue}Concurrency"}}
    timeout = resources[mapping.removesuffix(queue)]["Properties"]["Timeout"]
    assert resources[f"{queue}Queue"]["Properties"]["VisibilityTimeout"] == 6 * timeout


def test_every_event_source_is_in_the_table_above(resources: Json) -> None:
    assert len(of_type(resources, "AWS::Lambda::EventSourceMapping")) == 4


@pytest.mark.parametrize("queue", [*FIFO, *STANDARD])
def test_working_queues_redrive_to_a_queue_of_their_kind(resources: Json, queue: str) -> None:
    working, dead = (resources[f"{name}Queue"]["Properties"] for name in (queue, f"{queue}DeadLetter"))
    assert working["RedrivePolicy"]["deadLetterTargetArn"] == arn(f"{queue}DeadLetterQueue")
    assert "RedrivePolicy" not in dead
    for properties in (working, dead):
        assert properties.get("FifoQueue") is (True if queue in FIFO else None)


def test_queues_are_encrypted_and_kept_for_the_longest_time(resources: Json) -> None:
    found = of_type(resources, "AWS::SQS::Queue")
    assert set(found) == {f"{n}{k}Queue" for n in (*FIFO, *STANDARD) for k in ("", "DeadLetter")} | {"QuarantineQueue"}
    assert {(q["SqsManagedSseEnabled"], q["MessageRetentionPeriod"]) for q in found.values()} == {(True, 14 * 86_400)}


@pytest.mark.parametrize("queue", [f"{queue}{kind}" for queue in FIFO for kind in ("", "DeadLetter")])
def test_fifo_queues_order_and_deduplicate_by_group(resources: Json, queue: str) -> None:
    properties = resources[f"{queue}Queue"]["Properties"]
    assert properties["ContentBasedDeduplication"] is False
    assert properties["DeduplicationScope"] == "messageGroup"
    assert properties["FifoThroughputLimit"] == "perMessageGroupId"


OWN = sub("CleverTapWhatsAppBridge/${AWS::StackName}")
"""The namespace of the bridge's own metrics."""


class Alarm(NamedTuple):
    """Sounds when `statistic` is `threshold` or more in each of `periods` of `seconds`."""

    namespace: Any
    metric: str
    dimension: str
    of: Any
    statistic: str = "Sum"
    seconds: int = 60
    periods: int = 1
    threshold: int = 1


def of_queue(metric: str, queue: str, threshold: int = 1) -> Alarm:
    return Alarm("AWS/SQS", metric, "QueueName", {"Fn::GetAtt": [queue, "QueueName"]}, "Maximum", threshold=threshold)


def of_service(metric: str, service: str, periods: int = 1) -> Alarm:
    return Alarm(OWN, metric, "service", service, seconds=300, periods=periods)


def of_function(metric: str, function: str) -> Alarm:
    return Alarm("AWS/Lambda", metric, "FunctionName", {"Ref": function})


DEPTH, AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
RECURSION = "RecursiveInvocationsDropped"
MAY_RECURSE = {"DispatchFunction", "ForwardFunction"}
# Another logical id would be another alarm: CloudFormation deletes the old one, with its history.
ALARMS = {
    "ConversationDeadLetterDepthAlarm": of_queue(DEPTH, "ConversationDeadLetterQueue"),
    "CampaignDeadLetterDepthAlarm": of_queue(DEPTH, "CampaignDeadLetterQueue"),
    "RepliesDeadLetterDepthAlarm": of_queue(DEPTH, "RepliesDeadLetterQueue"),
    "StatusesDeadLetterDepthAlarm": of_queue(DEPTH, "StatusesDeadLetterQueue"),
    "QuarantineDepthAlarm": of_queue(DEPTH, "QuarantineQueue"),
    "ConversationAgeAlarm": of_queue(AGE, "ConversationQueue", 300),
    "CampaignAgeAlarm": of_queue(AGE, "CampaignQueue", 1800),
    "RepliesAgeAlarm": of_queue(AGE, "RepliesQueue", 300),
    "StatusesAgeAlarm": of_queue(AGE, "StatusesQueue", 1800),
    # The bridge's own: retries are new messages, whose age says nothing.
    "CleverTapUnavailableAlarm": of_service("CleverTapUnavailable", "forward", periods=3),
    "MessagesNotSentAlarm": of_service("MessagesNotSent", "dispatch", periods=3),
    "DispatchProviderAccountAlarm": of_service("ProviderAccountAlarms", "dispatch"),
    "IncomingProviderAccountAlarm": of_service("ProviderAccountAlarms", "incoming"),
    "StatusProviderAccountAlarm": of_service("ProviderAccountAlarms", "status"),
    "SendErrorsAlarm": of_function("Errors", "SendFunction"),
    "DispatchErrorsAlarm": of_function("Errors", "DispatchFunction"),
    "IncomingErrorsAlarm": of_function("Errors", "IncomingFunction"),
    "StatusErrorsAlarm": of_function("Errors", "StatusFunction"),
    "ForwardErrorsAlarm": of_function("Errors", "ForwardFunction"),
    "MediaErrorsAlarm": of_function("Errors", "MediaFunction"),
    "SendThrottlesAlarm": of_function("Throttles", "SendFunction"),
    "DispatchThrottlesAlarm": of_function("Throttles", "DispatchFunction"),
    "IncomingThrottlesAlarm": of_function("Throttles", "IncomingFunction"),
    "StatusThrottlesAlarm": of_function("Throttles", "StatusFunction"),
    "ForwardThrottlesAlarm": of_function("Throttles", "ForwardFunction"),
    "MediaThrottlesAlarm": of_function("Throttles", "MediaFunction"),
    **{f"{function}AccountsStaleAlarm": of_service("AccountsStale", function.lower()) for function in FUNCTIONS},
    "DispatchHopsExceededAlarm": of_service("HopsExceeded", "dispatch"),
    "ForwardHopsExceededAlarm": of_service("HopsExceeded", "forward"),
    "SendRecursionAlarm": of_function(RECURSION, "SendFunction"),
    "IncomingRecursionAlarm": of_function(RECURSION, "IncomingFunction"),
    "StatusRecursionAlarm": of_function(RECURSION, "StatusFunction"),
    "MediaRecursionAlarm": of_function(RECURSION, "MediaFunction"),
    "ApiServerErrorsAlarm": Alarm("AWS/ApiGateway", "5xx", "ApiId", {"Ref": "BridgeApi"}),
}


def alarms(resources: Json) -> dict[str, Alarm]:
    found = {}
    for name, p in of_type(resources, "AWS::CloudWatch::Alarm").items():
        (dimension,) = p["Dimensions"]
        watched = p["Namespace"], p["MetricName"], dimension["Name"], dimension["Value"]
        found[name] = Alarm(*watched, p["Statistic"], p["Period"], p["EvaluationPeriods"], p["Threshold"])
    return found


def test_alarms(resources: Json) -> None:
    assert alarms(resources) == ALARMS


def test_two_stacks_of_an_account_share_no_metric_and_no_alarm(resources: Json) -> None:
    for name, alarm in alarms(resources).items():
        assert alarm.namespace == OWN or isinstance(alarm.of, dict), name
        # CloudFormation puts the stack's name into the names that it gives.
        assert "AlarmName" not in resources[name]["Properties"]
    for function in FUNCTIONS:
        assert environment(resources, function)["POWERTOOLS_METRICS_NAMESPACE"] == OWN


def watched(alarms: Iterable[Alarm]) -> list[str]:
    return sorted(f"{alarm.metric} of {json.dumps(alarm.of)}" for alarm in alarms if alarm.namespace != OWN)


def test_every_queue_and_function_and_the_api_have_their_alarms(resources: Json) -> None:
    due = [
        Alarm("AWS/ApiGateway", "5xx", "ApiId", {"Ref": name}) for name in of_type(resources, "AWS::ApiGatewayV2::Api")
    ]
    for name, queue in of_type(resources, "AWS::SQS::Queue").items():
        due.append(of_queue(AGE if "RedrivePolicy" in queue else DEPTH, name))
    for name in of_type(resources, "AWS::Lambda::Function"):
        due += [of_function("Errors", name), of_function("Throttles", name)]
        # Where recursion is allowed, Lambda does not emit the metric.
        due += [] if name in MAY_RECURSE else [of_function(RECURSION, name)]
    assert watched(alarms(resources).values()) == watched(due)


def test_each_alarm_says_what_it_is_for(resources: Json) -> None:
    said = {name: p["AlarmDescription"] for name, p in of_type(resources, "AWS::CloudWatch::Alarm").items()}
    # Several functions can hear that a BSP refuses an account, and it means the same of each.
    alike = [[name for name in said if name.endswith(kind)] for kind in ("ProviderAccountAlarm", "AccountsStaleAlarm")]
    for names in alike:
        assert len({said[name] for name in names}) == 1
    assert len(set(said.values())) == len(said) - sum(len(names) - 1 for names in alike)
    for function in FUNCTIONS:
        for metric, happened in (
            ("Errors", "failed or timed out"),
            ("Throttles", "was throttled for lack of concurrency"),
        ):
            assert said[f"{function}{metric}Alarm"] == f"The {function.lower()} function {happened}."


def test_alarms_notify_the_topic_when_there_is_one(resources: Json) -> None:
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for properties in of_type(resources, "AWS::CloudWatch::Alarm").values():
        assert properties["AlarmActions"] == action
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
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert properties["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    (index,) = properties["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "bsp_id"
    assert index["KeySchema"] == [{"AttributeName": "bsp_id", "KeyType": "HASH"}]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_the_bucket_is_private_and_encrypted(resources: Json) -> None:
    bucket = resources["PayloadsBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = resources["PayloadsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [arn("PayloadsBucket"), sub("${PayloadsBucket.Arn}/*")]


def test_what_is_in_the_bucket_expires(resources: Json) -> None:
    rules = resources["PayloadsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules}
    assert days.keys() == {"payloads/", "media/"}
    # Behind the messages that name them: 14 days on a queue, and 14 anew on its dead-letter queue if it is FIFO.
    assert days["payloads/"] > 28
    # Not before the links to them, which forward makes from the same parameter.
    assert days["media/"] == {"Ref": "MediaTtlDays"} == environment(resources, "Forward")["MEDIA_TTL_DAYS"]


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
        pytest.param("http://127.0.0.1:8080", True, id="this machine"),
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
    assert properties["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    assert properties["Runtime"] == "python3.13"


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


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_change_of_a_parameter_reaches_the_alias(resources: Json, function: str) -> None:
    # A version's description cannot be changed, so CloudFormation replaces the version, and the alias follows.
    (version,) = (
        p for p in of_type(resources, "AWS::Lambda::Version").values() if f"{function}Function" in json.dumps(p)
    )
    used = parameters_in(resources[f"{function}Function"]["Properties"])
    assert used
    assert parameters_in(version["Description"]) == used


def test_what_is_to_be_pasted_is_output() -> None:
    base = "https://${BridgeApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    values = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    dead = [f"{queue}DeadLetter" for queue in (*FIFO, *STANDARD)]
    assert values == {
        "ApiUrl": sub(base),
        "SendUrl": sub(base + "/{account}/send"),
        "IncomingUrl": sub(base + "/{account}/incoming/{token}"),
        "StatusUrl": sub(base + "/{account}/status/{token}"),
        "AccountSecretPrefix": sub("${AWS::StackName}/accounts/"),
        "MessagesTable": {"Ref": "MessagesTable"},
        "PayloadsBucket": {"Ref": "PayloadsBucket"},
        **{f"{name}QueueUrl": {"Ref": f"{name}Queue"} for name in (*dead, "Quarantine")},
    }
