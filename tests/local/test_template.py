from pathlib import Path
from textwrap import dedent

import pytest

from local import TEMPLATE
from local.template import Deployment, EventSource, Route, Schedule, TemplateError, read_template

HEAD = """
Parameters:
  Name: {Type: String, Default: chosen}
  Names: {Type: CommaDelimitedList, Default: "a,b"}
  Key: {Type: String, Default: ""}
Conditions:
  HasKey: !Not [!Equals [!Ref Key, ""]]
  NoKey: !Equals [!Ref Key, ""]
  Both: !And [!Condition HasKey, !Condition NoKey]
  Either: !Or [!Condition HasKey, !Condition NoKey]
Mappings:
  Sizes: {small: {memory: 128}}
"""


def read(tmp_path: Path, text: str, **parameters: str) -> Deployment:
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return read_template(
        path, stack="st", region="eu-west-1", account_id="123456789012", aws_url="http://aws", parameters=parameters
    )


def function(variables: str, extra: str = "") -> str:
    return f"""
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/work
      Handler: app.handler
      Environment: {{Variables: {{{variables}}}}}
{extra}
"""


QUEUE = """
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, VisibilityTimeout: 90, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${AWS::StackName}-dead.fifo", FifoQueue: true}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  Bucket: {Type: AWS::S3::Bucket}
  Only: {Type: AWS::SQS::Queue, Condition: HasKey}
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="literal"),
        pytest.param("7", "7", id="number becomes text"),
        pytest.param("!Ref Name", "chosen", id="parameter"),
        pytest.param("!Select [1, !Ref Names]", "b", id="list parameter"),
        pytest.param("!Ref AWS::Region", "eu-west-1", id="pseudo parameter"),
        pytest.param("!Ref Jobs", "http://aws/123456789012/st-Jobs.fifo", id="queue URL"),
        pytest.param("!GetAtt Jobs.Arn", "arn:aws:sqs:eu-west-1:123456789012:st-Jobs.fifo", id="queue ARN"),
        pytest.param("!GetAtt Dead.QueueName", "st-dead.fifo", id="queue name"),
        pytest.param("!Ref Table", "st-Table", id="table"),
        pytest.param("!Ref Bucket", "st-bucket", id="bucket, in lower case"),
        pytest.param(
            "!Sub '${AWS::StackName}/${Name}/${!Name}/${Jobs.Arn}'",
            "st/chosen/${Name}/arn:aws:sqs:eu-west-1:123456789012:st-Jobs.fifo",
            id="substitution",
        ),
        pytest.param("!Sub ['${x}-${Name}', {x: !Ref AWS::StackName}]", "st-chosen", id="substitution with variables"),
        pytest.param("!Join ['-', [a, !Ref Name]]", "a-chosen", id="join"),
        pytest.param("!Select [0, !Split [':', 'x:y']]", "x", id="split"),
        pytest.param("!If [HasKey, given, absent]", "absent", id="condition"),
        pytest.param("!If [Both, both, !If [Either, either, none]]", "either", id="and, or, nested"),
        pytest.param("!FindInMap [Sizes, small, memory]", "128", id="mapping"),
        pytest.param("{'Fn::Sub': '${Name}'}", "chosen", id="long form"),
    ],
)
def test_intrinsic_functions(tmp_path: Path, value: str, expected: str) -> None:
    deployment = read(tmp_path, HEAD + "Resources:\n" + QUEUE + function(f"X: {value}"))
    assert deployment.functions["Work"].environment == {"X": expected}


def test_no_value_drops_its_key(tmp_path: Path) -> None:
    deployment = read(tmp_path, HEAD + "Resources:\n" + function("A: !Ref AWS::NoValue, B: '1'"))
    assert deployment.functions["Work"].environment == {"B": "1"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("!Ref Nobody", "Nobody", id="reference to nothing"),
        pytest.param("!GetAtt Nobody.Arn", "Nobody", id="attribute of nothing"),
        pytest.param("!If [Nothing, a, b]", "Nothing", id="unknown condition"),
        pytest.param("!ImportValue x", "ImportValue", id="unknown function"),
    ],
)
def test_what_it_does_not_know_is_an_error(tmp_path: Path, value: str, text: str) -> None:
    with pytest.raises(TemplateError, match=text):
        read(tmp_path, HEAD + "Resources:\n" + function(f"X: {value}"))


def test_resources_under_a_condition(tmp_path: Path) -> None:
    assert "Only" not in read(tmp_path, HEAD + "Resources:\n" + QUEUE).queues
    assert "Only" in read(tmp_path, HEAD + "Resources:\n" + QUEUE, Key="k").queues


def test_queue_table_and_bucket(tmp_path: Path) -> None:
    deployment = read(tmp_path, HEAD + "Resources:\n" + QUEUE)
    jobs = deployment.queues["Jobs"]
    assert (jobs.fifo, jobs.visibility_timeout, jobs.attributes["RedrivePolicy"]) == (
        True,
        90,
        {"deadLetterTargetArn": deployment.queues["Dead"].arn},
    )
    assert deployment.tables["Table"].definition == {
        "TableName": "st-Table",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    assert deployment.tables["Table"].ttl_attribute == "expires_at"
    assert deployment.buckets == {"Bucket": "st-bucket"}


def test_yaml_merge(tmp_path: Path) -> None:
    text = """
  First: {Type: AWS::SQS::Queue, Properties: &first {VisibilityTimeout: 90, DelaySeconds: 5}}
  Like: {Type: AWS::SQS::Queue, Properties: &like {<<: *first, VisibilityTimeout: 30}}
  Last: {Type: AWS::SQS::Queue, Properties: {<<: *like, DelaySeconds: 7}}
"""
    queues = read(tmp_path, "Resources:" + text).queues
    assert {name: (q.visibility_timeout, q.attributes["DelaySeconds"]) for name, q in queues.items()} == {
        "First": (90, 5),
        "Like": (30, 5),
        "Last": (30, 7),
    }


def test_globals_events_and_layers(tmp_path: Path) -> None:
    text = HEAD + dedent("""
        Globals:
          Function:
            Timeout: 7
            MemorySize: 256
            Layers: [!Ref Shared]
            Environment: {Variables: {ALL: "1", BOTH: global}}
        Resources:
          Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/shared}}
          Jobs: {Type: AWS::SQS::Queue}
          Work:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: functions/work
              Handler: app.handler
              Timeout: 9
              Environment: {Variables: {BOTH: own}}
              Events:
                Web: {Type: HttpApi, Properties: {Path: "/{account}/send", Method: post}}
                Rest: {Type: HttpApi}
                Queue:
                  Type: SQS
                  Properties:
                    Queue: !GetAtt Jobs.Arn
                    BatchSize: 100
                    MaximumBatchingWindowInSeconds: 1
                    FunctionResponseTypes: [ReportBatchItemFailures]
                    ScalingConfig: {MaximumConcurrency: 20}
                Off: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, Enabled: false}}
    """)
    deployment = read(tmp_path, text)
    work = deployment.functions["Work"]
    assert (work.timeout, work.memory, work.environment) == (9, 256, {"ALL": "1", "BOTH": "own"})
    assert [deployment.layers[layer] for layer in work.layers] == [tmp_path / "layers/shared"]
    assert work.code == tmp_path / "functions/work"
    assert [route.key for route in deployment.routes] == ["POST /{account}/send", "$default"]
    assert deployment.routes[0] == Route("POST", "/{account}/send", "Work")
    assert deployment.event_sources == [EventSource("Work", deployment.queues["Jobs"].arn, 100, 1, True, 20)]


def test_unknown_event_type(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="Kinesis"):
        read(tmp_path, HEAD + "Resources:\n" + function("", "      Events: {Tick: {Type: Kinesis}}"))


@pytest.mark.parametrize(
    ("rate", "seconds"), [("rate(1 minute)", 60), ("rate(90 minutes)", 5400), ("rate(1 day)", 86_400)]
)
def test_schedule(tmp_path: Path, rate: str, seconds: int) -> None:
    event = f"      Events: {{Tick: {{Type: Schedule, Properties: {{Schedule: {rate}}}}}}}"
    deployment = read(tmp_path, HEAD + "Resources:\n" + function("", event))
    assert deployment.schedules == [Schedule("Work", seconds)]


def test_other_schedules_are_not_supported(tmp_path: Path) -> None:
    event = "      Events: {Tick: {Type: Schedule, Properties: {Schedule: 'cron(0 12 * * ? *)'}}}"
    with pytest.raises(TemplateError, match="cron"):
        read(tmp_path, HEAD + "Resources:\n" + function("", event))


def test_this_repositorys_template() -> None:
    deployment = read_template(
        TEMPLATE, stack="st", region="eu-west-1", account_id="123456789012", aws_url="http://aws"
    )
    assert {source.function for source in deployment.event_sources} == {
        "DispatchFunction",
        "ForwardFunction",
        "TemplatesFunction",
    }
    assert {schedule.function for schedule in deployment.schedules} == {"TemplatesFunction"}
    for source in deployment.event_sources:
        assert "RedrivePolicy" in deployment.queue_by_arn(source.queue_arn).attributes
    for function_ in deployment.functions.values():
        assert (function_.code / "app.py").is_file()
        # Without one, the import function takes the address that was called.
        empty = {name for name, value in function_.environment.items() if not value}
        assert empty <= ({"PUBLIC_URL"} if function_.logical_id == "ImportFunction" else set())


def test_throughput_of_this_repositorys_table_is_left_to_aws() -> None:
    warm = {"TableWarmWrites": "12200", "IndexWarmWrites": "5000"}
    deployment = read_template(TEMPLATE, stack="st", region="r", account_id="1", aws_url="http://aws", parameters=warm)
    assert "WarmThroughput" not in str(deployment.tables["MessagesTable"].definition)


def test_this_repositorys_template_for_a_companys_account() -> None:
    parameters = {
        "DomainName": "bridge.example.com",
        "DomainCertificateArn": "arn:aws:acm:r:111122223333:certificate/1",
        "DomainHostedZoneId": "Z0123456789",
        "DisableExecuteApiEndpoint": "true",
        "VpcSubnetIds": "subnet-01234567",
        "VpcSecurityGroupIds": "sg-01234567",
        "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary",
        "SnapStart": "None",
        "SendProvisionedConcurrency": "5",
    }
    own, company = (
        read_template(TEMPLATE, stack="st", region="r", account_id="1", aws_url="http://aws", parameters=given)
        for given in ({}, parameters)
    )
    for function_ in ("ForwardFunction", "ImportFunction"):
        assert company.functions[function_].environment["PUBLIC_URL"] == "https://bridge.example.com"
    assert company.routes == own.routes
    assert company.event_sources == own.event_sources
