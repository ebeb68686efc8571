"""The floor of `media`: sign a link to S3, without any call."""

import os
from typing import Any

from botocore.session import get_session

s3 = get_session().create_client("s3")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path = event["pathParameters"]
    place = {"Bucket": os.environ["PAYLOADS_BUCKET"], "Key": f"media/{path['account']}/{path['id']}"}
    location = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=300)
    return {"statusCode": 302, "headers": {"location": location}}
