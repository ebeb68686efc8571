"""The floor of `send`: parse the message, put it on its queue."""

import json
import os
from typing import Any

from botocore.session import get_session

sqs = get_session().create_client("sqs")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    message = json.loads(event["body"])
    if message["isTemplate"]:
        sqs.send_message(QueueUrl=os.environ["CAMPAIGN_QUEUE_URL"], MessageBody=json.dumps(message))
    else:
        sqs.send_message(
            QueueUrl=os.environ["CONVERSATION_QUEUE_URL"],
            MessageBody=json.dumps(message),
            MessageGroupId=message["to"],
            MessageDeduplicationId=message["msgId"],
        )
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"status": "success"}'}
