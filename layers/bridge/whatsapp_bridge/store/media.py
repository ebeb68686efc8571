"""Files from people, kept in S3 for as long as their links are valid."""

from collections.abc import Callable
from re import fullmatch
from typing import Any, Final
from urllib.parse import quote

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.store.aws import client

_PREFIX: Final = "media/"
# RFC 6838's names, without parameters.
_CONTENT_TYPE: Final = r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+"
# At worst, nine bytes per character; S3 allows 8 KB of headers.
_MAX_NAME: Final = 200
_UNKNOWN: Final = "application/octet-stream"
LINK_SECONDS: Final = 300
"""How long the bridge's link to S3 is valid."""

# Types that a browser shows without running code. All others, mainly HTML and SVG, are downloaded.
_SHOWN: Final = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "video/mp4",
        "video/3gpp",
        "audio/aac",
        "audio/amr",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "application/pdf",
    }
)


class MediaStore:
    """Objects are private and encrypted, and expire by the bucket's lifecycle."""

    def __init__(self, bucket: str, s3: Callable[[], Any] = lambda: client("s3")) -> None:
        # The client is made with the first file: most processes never have one.
        self._bucket, self._s3 = bucket, s3

    def put(self, account: str, media_id: str, file: File) -> None:
        """Store a file under this id; replaces an earlier one. Raises botocore's errors."""
        self._s3().put_object(
            Bucket=self._bucket,
            Key=_key(account, media_id),
            Body=file.content,
            ContentType=file.content_type if fullmatch(_CONTENT_TYPE, file.content_type) else _UNKNOWN,
            ContentDisposition=disposition(file.content_type, file.name),
            CacheControl="private",
        )

    def link(self, account: str, media_id: str, *, head: bool = False) -> str:
        """An address in S3 that is valid for `LINK_SECONDS`, for GET or, `head`, for HEAD: the signature covers the
        method. Makes no call to AWS."""
        place = {"Bucket": self._bucket, "Key": _key(account, media_id)}
        operation = "head_object" if head else "get_object"
        link: str = self._s3().generate_presigned_url(operation, Params=place, ExpiresIn=LINK_SECONDS)
        return link


def disposition(content_type: str, name: str) -> str:
    """A Content-Disposition header (RFC 6266): the name in ASCII, and in UTF-8 for clients that support it."""
    shown = "inline" if content_type in _SHOWN else "attachment"
    # Keep the end, which has the extension.
    name = name[-_MAX_NAME:]
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in name)
    plain = plain.replace("\\", "_").replace('"', "_")
    return f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"


def _key(account: str, media_id: str) -> str:
    return f"{_PREFIX}{account}/{media_id}"
