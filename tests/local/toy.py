"""A small deployment of its own: one function behind HTTP, one behind a queue."""

from pathlib import Path
from textwrap import dedent

TEMPLATE = dedent("""
    Parameters:
      Journal: {Type: String, Default: ""}
    Globals:
      Function: {Handler: app.handler, Timeout: 2, MemorySize: 256, Layers: [!Ref Layer]}
    Resources:
      Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
      Jobs:
        Type: AWS::SQS::Queue
        Properties:
          VisibilityTimeout: 12
          RedrivePolicy: {deadLetterTargetArn: !GetAtt JobsDead.Arn, maxReceiveCount: 3}
      JobsDead: {Type: AWS::SQS::Queue}
      Web:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: web
          Environment: {Variables: {JOBS_URL: !Ref Jobs}}
          Events:
            Any: {Type: HttpApi, Properties: {Path: "/{what}", Method: POST}}
      Tick:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: tick
          Environment: {Variables: {JOURNAL: !Sub "${Journal}.ticks"}}
          Events:
            Schedule: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
      Work:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: work
          Environment: {Variables: {JOURNAL: !Ref Journal, JOBS_URL: !Ref Jobs}}
          Events:
            Jobs:
              Type: SQS
              Properties:
                Queue: !GetAtt Jobs.Arn
                FunctionResponseTypes: [ReportBatchItemFailures]
                ScalingConfig: {MaximumConcurrency: 2}
""")

WEB = """
import json, os, sys, threading
import shared

def handler(event, context):
    what = event["pathParameters"]["what"] if "pathParameters" in event else event["what"]
    if what == "raise":
        raise ValueError("no")
    if what == "exit":
        os._exit(3)
    if what == "hang":
        threading.Event().wait(60)
    if what == "large":
        return "x" * (6 * 1024 * 1024 + 1)
    if what == "print":
        print("printed by the function")
    if what == "enqueue":
        from botocore.session import get_session
        get_session().create_client("sqs").send_message(QueueUrl=os.environ["JOBS_URL"], MessageBody=event["body"])
    return {"statusCode": 200, "body": json.dumps({
        "pid": os.getpid(),
        "shared": shared.NAME,
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
    })}
"""

TICK = """
import os

def handler(event, context):
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write(f"tick {event['source']}\\n")
"""

WORK = """
import os

def handler(event, context):
    with open(os.environ["JOURNAL"], "a") as journal:
        for record in event["Records"]:
            journal.write(f"{record['body']} {record['attributes']['ApproximateReceiveCount']}\\n")
    if any(record["body"] == "crash once" and record["attributes"]["ApproximateReceiveCount"] == "1"
           for record in event["Records"]):
        os._exit(9)
    for record in event["Records"]:
        if record["body"] == "again":
            from botocore.session import get_session
            get_session().create_client("sqs").send_message(QueueUrl=os.environ["JOBS_URL"], MessageBody="again")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]
                                  if record["body"] == "never"]}
"""


def write(directory: Path) -> Path:
    """Returns the path of the template."""
    for name, code in (("web", WEB), ("tick", TICK), ("work", WORK)):
        (directory / name).mkdir()
        (directory / name / "app.py").write_text(code, encoding="utf-8")
    (directory / "layer").mkdir()
    (directory / "layer" / "shared.py").write_text('NAME = "layer"\n', encoding="utf-8")
    template = directory / "template.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    return template
