"""The floor of `templates`: put the syncs that are due on the queue, and read when the list was last complete."""

import json
import os
from typing import Any

from botocore.session import get_session

session = get_session()
sqs, dynamodb = session.create_client("sqs"), session.create_client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    entry = {"Id": "0", "MessageBody": json.dumps({"sync": ["sample-meta"], "at": 0}), "MessageGroupId": "sample-meta"}
    sqs.send_message_batch(QueueUrl=os.environ["TEMPLATES_QUEUE_URL"], Entries=[entry])
    dynamodb.get_item(TableName=os.environ["MESSAGES_TABLE"], Key={"pk": {"S": "templates#"}}, ConsistentRead=True)
