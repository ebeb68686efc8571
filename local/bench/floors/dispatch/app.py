"""The floor of `dispatch`: two writes per message (claim, outcome) and one POST for all messages."""

import json
import os
from typing import Any

import urllib3
from botocore.session import get_session

dynamodb = get_session().create_client("dynamodb")
http = urllib3.PoolManager()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    jobs = [json.loads(record["body"]) for record in event["Records"]]
    for job in jobs:
        write(job["reference"], "sending")
    messages = [
        {"channel": "whatsapp", "to": job["message"]["to"], "clientMessageId": job["reference"]} for job in jobs
    ]
    answer = http.request("POST", os.environ["PEERS_URL"] + "/v1/message", json={"messages": messages}).json()
    for message in answer["messages"]:
        write(message["clientMessageId"], "accepted")
    return {"batchItemFailures": []}


def write(reference: str, state: str) -> None:
    dynamodb.update_item(
        TableName=os.environ["MESSAGES_TABLE"],
        Key={"pk": {"S": reference}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state}},
    )
