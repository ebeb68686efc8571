"""What a deployment may do, held against what AWS's schemas say that the template's resources need."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[1]
POLICY: list[dict[str, Any]] = json.loads((ROOT / "docs/deploy-policy.json").read_text(encoding="utf-8"))["Statement"]
# Of IAM: a managed policy's characters without white space.
MAX_POLICY_CHARACTERS = 6144


def _resource_types() -> set[str]:
    """Of all resources that the template can make, whatever the parameters."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        made = Translator({}, Parser()).translate(template, {})["Resources"]
    return {resource["Type"] for resource in made.values()}


TYPES = sorted(_resource_types())
# Permissions that CloudFormation's handlers name for what the template does not use, by the reason.
UNUSED = {
    "keys of one's own, for another resource than the accounts' secrets": ["kms:*"],
    "definitions and code that come from S3 with the caller's rights are in sam's bucket": ["s3:getObject"],
    "truststores of mutual TLS": ["apigateway:AddCertificateToDomain", "apigateway:RemoveCertificateFromDomain"],
    "servers on premises": ["codedeploy:RegisterOnPremisesInstance"],
    "replicas, imports, streams and policies of a table": [
        "dynamodb:*Replica",
        "dynamodb:ImportTable",
        "dynamodb:*KinesisStreamingDestination",
        "dynamodb:*ResourcePolicy",
        "kinesis:*",
        "iam:CreateServiceLinkedRole",
    ],
    "items: a deployment reads and writes none": [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "s3:DeleteObject",
        "s3:PutObjectAcl",
    ],
    "files and capacity providers of functions": [
        "elasticfilesystem:*",
        "s3files:*",
        "lambda:PassCapacityProvider",
        "lambda:AssociateRuntimeAlias",
    ],
    "logs that a table's import writes; keys, policies and destinations of a log group": [
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:AssociateKmsKey",
        "logs:DisassociateKmsKey",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutIndexPolicy",
        "logs:PutLogGroupDeletionProtection",
        "firehose:*",
        "s3:REST.PUT.OBJECT",
    ],
    "the signing key: a deployment makes it, and does not read it": [
        "secretsmanager:GetSecretValue",
        "secretsmanager:*Replicat*",
    ],
    "features of a bucket": [
        "s3:*Metadata*",
        "s3:*Replication*",
        "s3:PutAccelerateConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutIntelligentTieringConfiguration",
        "s3:PutInventoryConfiguration",
        "s3:PutMetricsConfiguration",
        "s3:PutObjectLockConfiguration",
        "s3:DeleteBucket?*",
        "s3tables:*",
    ],
}
NEEDED_ALL_THE_SAME = {"s3:DeleteBucketPolicy"}


def needed(resource_type: str) -> set[str]:
    """The actions by which CloudFormation makes, reads, changes and deletes a resource of the type."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema["handlers"]
    return {action for name, handler in handlers.items() if name != "list" for action in handler["permissions"]}


def unused(action: str) -> bool:
    patterns = [pattern for each in UNUSED.values() for pattern in each]
    return action not in NEEDED_ALL_THE_SAME and any(fnmatchcase(action, pattern) for pattern in patterns)


def listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def allows(action: str) -> bool:
    patterns = [pattern for statement in POLICY for pattern in listed(statement["Action"])]
    # IAM's actions are not case-sensitive.
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_deployment_may_make_and_delete_the_resource(resource_type: str) -> None:
    assert sorted(action for action in needed(resource_type) if not unused(action) and not allows(action)) == []


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    every = {action for resource_type in TYPES for action in needed(resource_type)}
    assert [p for each in UNUSED.values() for p in each if not any(fnmatchcase(a, p) for a in every)] == []


TAGGED = {
    "AWS::ApiGatewayV2::Api": "the API",
    "AWS::ApiGatewayV2::Stage": "its stage",
    "AWS::ApiGatewayV2::DomainName": "the domain",
    "AWS::Lambda::Function": "functions",
    "AWS::Lambda::EventSourceMapping": "event source mappings",
    "AWS::SQS::Queue": "queues",
    "AWS::DynamoDB::Table": "the table",
    "AWS::S3::Bucket": "the bucket",
    "AWS::SecretsManager::Secret": "the signing key",
    "AWS::Logs::LogGroup": "log groups",
    "AWS::CloudWatch::Alarm": "alarms",
    "AWS::CloudWatch::Dashboard": "the dashboard",
    "AWS::IAM::Role": "roles",
    "AWS::Events::Rule": "the schedule",
    "AWS::CodeDeploy::Application": "CodeDeploy's application",
    "AWS::CodeDeploy::DeploymentGroup": "groups",
}


def test_the_page_says_what_tags_reach() -> None:
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    said = page.partition("<!-- tagged -->")[2].partition("<!-- /tagged -->")[0]
    schemas = {name: PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema for name in TYPES}
    taggable = {name for name, schema in schemas.items() if schema.get("tagging", {}).get("taggable")}
    assert taggable == set(TAGGED)
    assert " ".join(said.split()).replace(" and ", ", ").split(", ") == list(TAGGED.values())


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "iam:CreateUser",
        "lambda:InvokeFunction",
        "secretsmanager:GetSecretValue",
        "sqs:PurgeQueue",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ],
)
def test_a_deployment_may_not_touch_messages_people_or_secrets(action: str) -> None:
    assert not allows(action)


def test_a_deployment_may_not_read_the_bucket_of_files() -> None:
    reading = [s for s in POLICY if any(fnmatchcase("s3:GetObject", pattern) for pattern in listed(s["Action"]))]
    assert [listed(statement["Resource"]) for statement in reading] == [["arn:aws:s3:::aws-sam-cli-managed-default-*"]]


def test_a_deployment_gives_roles_to_lambda_and_codedeploy_alone() -> None:
    (passing,) = [statement for statement in POLICY if "iam:PassRole" in listed(statement["Action"])]
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["codedeploy.amazonaws.com", "lambda.amazonaws.com"]}
    }
    assert passing["Resource"] == "arn:aws:iam::*:role/whatsapp-bridge-*"


def test_the_policy_is_short_enough_for_iam() -> None:
    text = (ROOT / "docs/deploy-policy.json").read_text(encoding="utf-8")
    assert len("".join(text.split())) <= MAX_POLICY_CHARACTERS
