"""Reads an AWS SAM template: what it deploys, with every intrinsic function resolved."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from string import ascii_letters, digits
from typing import Any

import yaml


class TemplateError(Exception):
    """The template uses something that this reader does not know, or refers to something that does not exist."""


@dataclass(frozen=True)
class Function:
    """`timeout` in seconds, `memory` in MB; `may_recurse`: Lambda does not end a chain of its invocations."""

    logical_id: str
    name: str
    code: Path
    handler: str
    timeout: int
    memory: int
    environment: dict[str, str]
    layers: tuple[str, ...] = ()
    may_recurse: bool = False


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    function: str

    @property
    def key(self) -> str:
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class EventSource:
    """An SQS event source mapping; `window` in seconds; `maximum_concurrency` is None for no limit of its own."""

    function: str
    queue_arn: str
    batch_size: int
    window: int
    partial_failures: bool
    maximum_concurrency: int | None = None


@dataclass(frozen=True)
class Schedule:
    """An EventBridge rule that calls a function every so many `seconds`."""

    function: str
    seconds: int


@dataclass(frozen=True)
class Queue:
    logical_id: str
    name: str
    arn: str
    url: str
    attributes: dict[str, Any]

    @property
    def fifo(self) -> bool:
        return bool(self.attributes.get("FifoQueue"))

    @property
    def visibility_timeout(self) -> int:
        return int(self.attributes.get("VisibilityTimeout", 30))


@dataclass(frozen=True)
class Table:
    """`definition` are the arguments of DynamoDB's CreateTable; `ttl_attribute` is '' if nothing expires."""

    logical_id: str
    name: str
    definition: dict[str, Any]
    ttl_attribute: str


@dataclass(frozen=True)
class Secret:
    """A secret that CloudFormation makes: the JSON object `template` with `length` characters as its member `key`."""

    name: str
    template: str
    key: str
    length: int

    def text(self, random: Random) -> str:
        """Its value, the same for each `random` in the same state."""
        made = "".join(random.choices(ascii_letters + digits, k=self.length))
        return json.dumps({**json.loads(self.template), self.key: made})


@dataclass(frozen=True)
class Deployment:
    stack: str
    region: str
    account_id: str
    stage: str = "$default"
    functions: dict[str, Function] = field(default_factory=dict)
    layers: dict[str, Path] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    event_sources: list[EventSource] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    buckets: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Their properties, by logical id."""

    def queue_by_arn(self, arn: str) -> Queue:
        for queue in self.queues.values():
            if queue.arn == arn:
                return queue
        raise TemplateError(f"no queue has the ARN {arn}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (!Ref, !Sub, ...) turned into the long ones."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)

_NO_VALUE = object()
_SUB = re.compile(r"\$\{(!?)([A-Za-z0-9:._]+)\}")


class Resolver:
    def __init__(self, document: dict[str, Any], pseudo: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._document = document
        self._pseudo = pseudo
        self._parameters = {
            name: str(parameters.get(name, declared.get("Default", "")))
            for name, declared in document.get("Parameters", {}).items()
        }
        self.attributes: dict[str, dict[str, str]] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": lambda value: self.resolve(value[1] if self.condition(value[0]) else value[2]),
            "Fn::Equals": lambda value: self.resolve(value[0]) == self.resolve(value[1]),
            "Fn::Not": lambda value: not self.resolve(value[0]),
            "Fn::And": lambda value: all(self.resolve(item) for item in value),
            "Fn::Or": lambda value: any(self.resolve(item) for item in value),
            "Fn::Join": lambda value: str(value[0]).join(str(item) for item in self.resolve(value[1])),
            "Fn::Select": lambda value: self.resolve(value[1])[int(self.resolve(value[0]))],
            "Fn::Split": lambda value: self.resolve(value[1]).split(value[0]),
            "Fn::FindInMap": self._find_in_map,
        }

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in self._functions and not (name == "Condition" and not isinstance(argument, str)):
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise TemplateError(f"{name} is not supported")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NO_VALUE}

    def condition(self, name: str) -> bool:
        try:
            return bool(self.resolve(self._document["Conditions"][name]))
        except KeyError:
            raise TemplateError(f"no condition {name}") from None

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            declared = self._document["Parameters"][name]
            listed = declared.get("Type") == "CommaDelimitedList" or str(declared.get("Type")).startswith("List<")
            return self._parameters[name].split(",") if listed else self._parameters[name]
        return self._get_att([name, "Ref"])

    def _get_att(self, value: list[str]) -> str:
        logical_id, attribute = value
        if logical_id not in self._document.get("Resources", {}):
            raise TemplateError(f"no resource or parameter {logical_id}")
        try:
            return self.attributes[logical_id][attribute]
        except KeyError:
            # A stable replacement for a resource that does not exist locally (an alarm, a log group).
            return f"{logical_id}.{attribute}"

    def _sub(self, value: str | list[Any]) -> str:
        text, variables = (value, {}) if isinstance(value, str) else (value[0], self.resolve(value[1]))

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(variables[name])
            return str(self._get_att(name.split(".", 1)) if "." in name else self._ref(name))

        return _SUB.sub(replace, text)

    def _find_in_map(self, value: list[Any]) -> Any:
        name, first, second = (self.resolve(item) for item in value)
        return self._document["Mappings"][name][first][second]


def read_template(
    path: Path,
    *,
    stack: str,
    region: str,
    account_id: str,
    aws_url: str,
    parameters: Mapping[str, str] | None = None,
) -> Deployment:
    """What a deployment of the template at `path` as `stack` creates; queue URLs are at `aws_url`.

    Raises `TemplateError` for an unknown intrinsic function or a reference to something that does not exist.
    """
    document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    pseudo = {
        "AWS::StackName": stack,
        "AWS::Region": region,
        "AWS::AccountId": account_id,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackId": f"arn:aws:cloudformation:{region}:{account_id}:stack/{stack}/local",
        "AWS::NotificationARNs": [],
    }
    resolver = Resolver(document, pseudo, parameters or {})
    resources = {
        logical_id: resource
        for logical_id, resource in document.get("Resources", {}).items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }
    reader = _Reader(path.parent, resolver, Deployment(stack, region, account_id), aws_url)
    reader.name_all(resources)
    reader.read_all(resources, document.get("Globals", {}))
    return reader.deployment


class _Reader:
    def __init__(self, root: Path, resolver: Resolver, deployment: Deployment, aws_url: str) -> None:
        self.deployment = deployment
        self._root, self._resolver, self._aws_url = root, resolver, aws_url

    def name_all(self, resources: dict[str, Any]) -> None:
        """Name all resources first, because they refer to each other in any order."""
        for logical_id, resource in resources.items():
            namer = _NAMERS.get(resource["Type"])
            if namer:
                properties = resource.get("Properties", {})
                self._resolver.attributes[logical_id] = namer(self, logical_id, properties)

    def read_all(self, resources: dict[str, Any], defaults: dict[str, Any]) -> None:
        for logical_id, resource in resources.items():
            properties = self._resolver.resolve(resource.get("Properties", {}))
            match resource["Type"]:
                case "AWS::SQS::Queue":
                    self._read_queue(logical_id, properties)
                case "AWS::DynamoDB::Table":
                    self._read_table(logical_id, properties)
                case "AWS::S3::Bucket":
                    self.deployment.buckets[logical_id] = self._resolver.attributes[logical_id]["Ref"]
                case "AWS::SecretsManager::Secret":
                    self._read_secret(logical_id, properties["GenerateSecretString"])
                case "AWS::Serverless::LayerVersion":
                    version = self._resolver.attributes[logical_id]["Ref"]
                    self.deployment.layers[version] = self._root / properties["ContentUri"]
                case "AWS::CloudWatch::Alarm":
                    self.deployment.alarms[logical_id] = properties
                case "AWS::Serverless::Function":
                    self._read_function(logical_id, properties, self._resolver.resolve(defaults.get("Function", {})))

    def _name(self, logical_id: str, properties: dict[str, Any], key: str, suffix: str = "") -> str:
        explicit = self._resolver.resolve(properties.get(key))
        return str(explicit) if explicit else f"{self.deployment.stack}-{logical_id}{suffix}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.deployment.region}:{self.deployment.account_id}:{resource}"

    def _name_queue(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        fifo = bool(self._resolver.resolve(properties.get("FifoQueue")))
        name = self._name(logical_id, properties, "QueueName", ".fifo" if fifo else "")
        url = f"{self._aws_url}/{self.deployment.account_id}/{name}"
        return {"Ref": url, "QueueUrl": url, "Arn": self._arn("sqs", name), "QueueName": name}

    def _name_table(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        name = self._name(logical_id, properties, "TableName")
        return {"Ref": name, "Arn": self._arn("dynamodb", f"table/{name}")}

    def _name_bucket(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        name = self._name(logical_id, properties, "BucketName").lower()
        return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}

    def _name_secret(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        # AWS's Ref is the ARN, which has six characters that nobody knows before; its API takes the name as well.
        return {"Ref": self._name(logical_id, properties, "Name")}

    def _name_function(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        name = self._name(logical_id, properties, "FunctionName")
        return {"Ref": name, "Arn": self._arn("lambda", f"function:{name}")}

    def _name_layer(self, logical_id: str, properties: dict[str, Any]) -> dict[str, str]:
        return {"Ref": self._arn("lambda", f"layer:{logical_id}:1")}

    def _read_queue(self, logical_id: str, properties: dict[str, Any]) -> None:
        named = self._resolver.attributes[logical_id]
        attributes = {key: value for key, value in properties.items() if key not in ("QueueName", "Tags")}
        queue = Queue(logical_id, named["QueueName"], named["Arn"], named["QueueUrl"], attributes)
        self.deployment.queues[logical_id] = queue

    def _read_secret(self, logical_id: str, made: dict[str, Any]) -> None:
        name, length = self._resolver.attributes[logical_id]["Ref"], int(made.get("PasswordLength", 32))
        secret = Secret(name, made["SecretStringTemplate"], made["GenerateStringKey"], length)
        self.deployment.secrets[logical_id] = secret

    def _read_table(self, logical_id: str, properties: dict[str, Any]) -> None:
        name = self._resolver.attributes[logical_id]["Ref"]
        keys = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        definition = {key: properties[key] for key in keys if key in properties}
        for index in definition.get("GlobalSecondaryIndexes", ()):
            # Here are no partitions to warm.
            index.pop("WarmThroughput", None)
        ttl = properties.get("TimeToLiveSpecification", {})
        attribute = ttl.get("AttributeName", "") if ttl.get("Enabled") else ""
        self.deployment.tables[logical_id] = Table(logical_id, name, {"TableName": name, **definition}, attribute)

    def _read_function(self, logical_id: str, properties: dict[str, Any], defaults: dict[str, Any]) -> None:
        variables = {
            **defaults.get("Environment", {}).get("Variables", {}),
            **properties.get("Environment", {}).get("Variables", {}),
        }
        merged = {**defaults, **properties}
        self.deployment.functions[logical_id] = Function(
            logical_id,
            self._resolver.attributes[logical_id]["Ref"],
            self._root / merged["CodeUri"],
            merged["Handler"],
            int(merged.get("Timeout", 3)),
            int(merged.get("MemorySize", 128)),
            {name: str(value) for name, value in variables.items()},
            (*defaults.get("Layers", ()), *properties.get("Layers", ())),
            merged.get("RecursiveLoop") == "Allow",
        )
        for event in properties.get("Events", {}).values():
            self._read_event(logical_id, event["Type"], event.get("Properties", {}))

    def _read_event(self, logical_id: str, kind: str, properties: dict[str, Any]) -> None:
        if kind == "HttpApi":
            route = Route(properties.get("Method", "ANY").upper(), properties.get("Path", "$default"), logical_id)
            self.deployment.routes.append(route)
        elif kind == "SQS":
            if properties.get("Enabled", True) in (False, "false"):
                return
            self.deployment.event_sources.append(
                EventSource(
                    logical_id,
                    properties["Queue"],
                    int(properties.get("BatchSize", 10)),
                    int(properties.get("MaximumBatchingWindowInSeconds", 0)),
                    "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
                    int(maximum)
                    if (maximum := properties.get("ScalingConfig", {}).get("MaximumConcurrency"))
                    else None,
                )
            )
        elif kind == "Schedule":
            self.deployment.schedules.append(Schedule(logical_id, _seconds(logical_id, properties["Schedule"])))
        else:
            raise TemplateError(f"{logical_id}: an event of type {kind} is not supported")


_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}


def _seconds(function: str, rate: str) -> int:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"""
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", rate)
    if match is None:
        raise TemplateError(f"{function}: the schedule {rate} is not supported")
    return int(match[1]) * _UNITS[match[2]]


_NAMERS: dict[str, Callable[[_Reader, str, dict[str, Any]], dict[str, str]]] = {
    "AWS::SQS::Queue": _Reader._name_queue,
    "AWS::DynamoDB::Table": _Reader._name_table,
    "AWS::S3::Bucket": _Reader._name_bucket,
    "AWS::SecretsManager::Secret": _Reader._name_secret,
    "AWS::Serverless::Function": _Reader._name_function,
    "AWS::Serverless::LayerVersion": _Reader._name_layer,
}
