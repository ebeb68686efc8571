"""The floor of `forward`: two writes per queue message (started, reported) and one POST to CleverTap."""

import json
import os
from typing import Any

import urllib3
from botocore.session import get_session

dynamodb = get_session().create_client("dynamodb")
http = urllib3.PoolManager()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    payloads = [json.loads(record["body"]) for record in event["Records"]]
    for record in event["Records"]:
        write(record["messageId"], "begun")
    http.request("POST", os.environ["PEERS_URL"] + "/clevertap", json=payloads)
    for record in event["Records"]:
        write(record["messageId"], "told")
    return {"batchItemFailures": []}


def write(key: str, state: str) -> None:
    dynamodb.update_item(
        TableName=os.environ["MESSAGES_TABLE"],
        Key={"pk": {"S": key}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state}},
    )
