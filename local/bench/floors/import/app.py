"""The floor of `import`: read the registry and what the last import got, write what this one gets."""

import json
import os
import zlib
from typing import Any

from botocore.session import get_session

dynamodb = get_session().create_client("dynamodb")
PARTS = 99


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    table, account = os.environ["MESSAGES_TABLE"], event["pathParameters"]["account"]
    scope = f"templates#account:{account}"
    keys = [{"pk": {"S": key}} for key in (scope, *(f"{scope}#{part}" for part in range(PARTS)))]
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})["Responses"][table]
    templates = [each for item in found if "held" in item for each in json.loads(zlib.decompress(item["held"]["B"]))]
    last = {"pk": {"S": f"templates#import#{account}"}}
    dynamodb.get_item(TableName=table, Key=last, ConsistentRead=True)
    names = zlib.compress(json.dumps([each["name"] for each in templates]).encode())
    dynamodb.update_item(
        TableName=table,
        Key=last,
        UpdateExpression="SET titles = :titles",
        ExpressionAttributeValues={":titles": {"B": names}},
    )
    body = json.dumps({"data": templates, "paging": {"cursors": {}}})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
