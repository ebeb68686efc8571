"""The floor of `incoming`: parse the callback, put its reply on the queue."""

import json
import os
from typing import Any

from botocore.session import get_session

sqs = get_session().create_client("sqs")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    callback = json.loads(event["body"])
    entries = [
        {
            "Id": str(number),
            "MessageBody": json.dumps(reply),
            "MessageGroupId": reply["from"],
            "MessageDeduplicationId": reply["messageId"],
        }
        for number, reply in enumerate(callback["event"]["moText"])
    ]
    sqs.send_message_batch(QueueUrl=os.environ["REPLIES_QUEUE_URL"], Entries=entries)
    return {"statusCode": 200, "body": ""}
