"""S3 in memory: objects that are put and read whole, and links to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from botocore.response import StreamingBody

from local.simulation.service import Refused, Service, operation


@dataclass(frozen=True)
class Stored:
    """An object; `headers` as a link to it answers them."""

    content: bytes = field(repr=False)
    headers: Mapping[str, str]


class S3(Service):
    name = "s3"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.buckets: dict[str, dict[str, Stored]] = {}

    def create(self, bucket: str) -> None:
        self.buckets[bucket] = {}

    @operation("PutObject")
    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "binary/octet-stream",
        ContentDisposition: str | None = None,
        CacheControl: str | None = None,
    ) -> dict[str, Any]:
        headers = {
            "content-type": ContentType,
            "content-disposition": ContentDisposition,
            "cache-control": CacheControl,
        }
        given = {name: value for name, value in headers.items() if value is not None}
        self._bucket(Bucket)[Key] = Stored(bytes(Body), given)
        return {}

    @operation("GetObject")
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        stored = self._bucket(Bucket).get(Key)
        if stored is None:
            raise Refused("NoSuchKey", "The specified key does not exist.", status=404)
        body = StreamingBody(BytesIO(stored.content), len(stored.content))
        length = len(stored.content)
        return {"Body": body, "ContentLength": length, "ContentType": stored.headers["content-type"]}

    def generate_presigned_url(self, method: str, *, Params: Mapping[str, str], ExpiresIn: int) -> str:
        """Not a call. `opened` reads the link."""
        if method != "get_object":
            raise NotImplementedError(f"links for {method} are not simulated")
        until = int(self.clock()) + ExpiresIn
        return f"https://{Params['Bucket']}.s3.amazonaws.com/{quote(Params['Key'])}?Expires={until}"

    def opened(self, link: str) -> Stored | None:
        """What a browser gets from a link; None if it has expired or nothing is there."""
        parts = urlsplit(link)
        bucket = (parts.hostname or "").removesuffix(".s3.amazonaws.com")
        if int(parse_qs(parts.query)["Expires"][0]) < self.clock():
            return None
        return self.buckets.get(bucket, {}).get(unquote(parts.path.removeprefix("/")))

    def _bucket(self, bucket: str) -> dict[str, Stored]:
        try:
            return self.buckets[bucket]
        except KeyError:
            message = "The specified bucket does not exist"
            raise Refused("NoSuchBucket", message, status=404) from None
