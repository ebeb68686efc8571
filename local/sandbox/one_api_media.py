"""POST and GET /v1/media of Clickatell's One API: files for people and from people.

Source: the sections "Media file upload", "Sending media by reference" and "Media download" of Clickatell's comparison
of its legacy WhatsApp API with One API.
"""

import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from local.sandbox import media_types
from local.sandbox.clickatell import Integration
from local.sandbox.files import File
from local.sandbox.one_api_requests import Refused, check_recipient

_PARAMETERS = frozenset({"fileName", "to", "broadcastAllowed", "encryptionKey", "kmsArn", "sha256FileHash"})
_ENCRYPTION = ("kmsArn", "sha256FileHash")


@dataclass(frozen=True)
class Upload:
    """An uploaded file: ciphertext if it has a key. `to` is None if it is for everybody."""

    file_id: str
    api_key: str
    to: str | None
    raw: bytes = field(repr=False)
    content_type: str
    name: str
    encryption_key: str | None = None
    sha256: str | None = None


def query_of(path: str) -> dict[str, str]:
    return dict(parse_qsl(path.partition("?")[2], keep_blank_values=True))


def check_upload(integration: Integration, query: dict[str, str], content_type: str, body: bytes) -> Upload:
    """Raises `Refused` with the upload's first error."""
    for name in sorted(query.keys() - _PARAMETERS):
        raise Refused(23, name)
    for name, value in (("fileName", query.get("fileName")), ("Content-Type", content_type), ("body", body)):
        if not value:
            raise Refused(23, name)
    if len(body) > media_types.MAX_UPLOAD_BYTES:
        raise Refused(31, "30")
    _check_audience(integration, query)
    _check_encryption(integration, query)
    name = query["fileName"]
    # Every upload is accepted; a file that WhatsApp does not accept is refused when it is sent.
    extension = media_types.extension(name, content_type) or "unsupported"
    return Upload(
        f"{uuid.uuid4().hex}.{extension}",
        integration.api_key,
        query.get("to"),
        body,
        content_type,
        name,
        query.get("encryptionKey"),
        query.get("sha256FileHash"),
    )


def _check_audience(integration: Integration, query: dict[str, str]) -> None:
    """A file is for one person, unless it holds nothing personal."""
    broadcast = query.get("broadcastAllowed")
    if broadcast not in ((None, "true") if integration.broadcasts else (None,)):
        raise Refused(23, "broadcastAllowed")
    if (broadcast is None) == ("to" not in query):
        raise Refused(23, "to")
    if "to" in query:
        check_recipient(query["to"])


def _check_encryption(integration: Integration, query: dict[str, str]) -> None:
    if "encryptionKey" not in query:
        for name in _ENCRYPTION:
            if name in query:
                raise Refused(23, "encryptionKey")
        return
    for name in ("encryptionKey", *_ENCRYPTION):
        if not query.get(name):
            raise Refused(23, name)
    if not _is_key_of(integration, query["kmsArn"]):
        raise Refused(23, "kmsArn")


def _is_key_of(integration: Integration, arn: str) -> bool:
    """Clickatell knows its key by the key's own ARN, whatever alias the account has for it."""
    known = integration.mt_key_arn
    return ":key/" in arn and (arn == known or ":alias/" in known)


class Uploads:
    """Uploaded files and files from people, each for one integration only."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}
        self._downloads: dict[str, tuple[str, File]] = {}

    def put(self, upload: Upload) -> None:
        self._uploads[upload.file_id] = upload

    def find(self, integration: Integration, file_id: str, to: str, *, in_template: bool) -> Upload:
        """The file for a message. Raises `Refused`; the page says that a file uploaded for another use is not allowed,
        but not which error it causes."""
        upload = self._uploads.get(file_id)
        if upload is None or upload.api_key != integration.api_key or upload.to not in (None, to):
            raise Refused(33)
        if in_template and upload.to is None:
            raise Refused(23, "template.header.media.fileId")
        if file_id.endswith(".unsupported") or not media_types.is_taken(upload.content_type, in_template=in_template):
            raise Refused(30)
        return upload

    def offer(self, integration: Integration, raw: bytes, content_type: str, name: str) -> str:
        """Store a file from a person; returns its fileId."""
        file_id = f"{uuid.uuid4().hex}.{name.rpartition('.')[2]}"
        self._downloads[file_id] = (integration.api_key, File(raw, content_type, name))
        return file_id

    def fetch(self, integration: Integration, file_id: str) -> File:
        """Raises `Refused`."""
        api_key, file = self._downloads.get(file_id, ("", None))
        if file is None or api_key != integration.api_key:
            raise Refused(33)
        return file
