"""The floor of `status`: parse the callback, put its statuses on the queue."""

import json
import os
from typing import Any

from botocore.session import get_session

sqs = get_session().create_client("sqs")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    callback = json.loads(event["body"])
    entries = [
        {"Id": str(number), "MessageBody": json.dumps(status)}
        for number, status in enumerate(callback["event"]["messageStatusUpdate"])
    ]
    sqs.send_message_batch(QueueUrl=os.environ["STATUSES_QUEUE_URL"], Entries=entries)
    return {"statusCode": 200, "body": ""}
