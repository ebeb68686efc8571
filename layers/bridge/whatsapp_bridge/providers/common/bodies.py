"""The bodies of BSPs' callbacks: the one place where adapters get JSON, forms and queries from.

A character that cannot be decoded is replaced (`runtime.json_text`), so that it affects nothing else in the callback.
"""

import re
import zlib
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.contract.inbound import BodyUnreadable, Callback
from whatsapp_bridge.runtime.json_text import decoded, read_json, sound, text_of

# What could have come unpacked: Lambda's limit for a request ("Lambda quotas").
MAX_BYTES: Final = 6 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_AS_GZIP: Final = 16 + zlib.MAX_WBITS
# Some senders take deflate to mean the data without its header (RFC 9110, 8.4.1.2).
_AS_DEFLATE: Final = (zlib.MAX_WBITS, -zlib.MAX_WBITS)

_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_ESCAPES: Final = re.compile("(?:%[0-9a-fA-F]{2})+")
# Of a part of a form. They hold a name and a type.
_MAX_HEAD_BYTES: Final = 2048
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_PART_NAME: Final = re.compile(r"content-disposition:[^\n]*[;\s]name\s*=\s*(?:\"([^\"\n]*)|([^\s;]+))", re.IGNORECASE)


def content_of(callback: Callback) -> Any:
    """What a callback says: its body as JSON, or a text of it, or as a form's fields, else the fields of the address.
    {} if it says nothing: no body, null, an empty text or list. Raises `BodyUnreadable`.

    The content type does not decide: it is not always there, and not always right."""
    raw = _unpacked(callback)
    if not raw.strip():
        return query(callback)
    charset = _charset(callback.headers.get("content-type", ""))
    try:
        value = read_json(raw, charset=charset)
    except ValueError:
        value = _form(raw, charset)
        if not value:
            raise BodyUnreadable("neither JSON nor a form") from None
    # Some systems on the way make a text of what is JSON already.
    value = json_in(value)
    return {} if value in (None, "", []) else value


def query(callback: Callback) -> Json:
    """The fields of the address."""
    return {sound(name): sound(value) for name, value in callback.query.items()}


def json_in(value: Any) -> Any:
    """The JSON that a text holds; the value itself if it holds none or is not a text."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value


def object_in(value: Any) -> Json:
    """The object that a value is or, as a text, holds; {} for anything else."""
    found = json_in(value)
    return found if isinstance(found, dict) else {}


# --- packed bodies ---------------------------------------------------------------------------------------------------


def _unpacked(callback: Callback) -> bytes:
    """By its first bytes, because a proxy may unpack a body and leave its header, or the other way round."""
    raw = callback.body
    if raw.startswith(_GZIP):
        try:
            return _inflated(raw, _AS_GZIP)
        except zlib.error:
            raise BodyUnreadable("broken gzip") from None
    if "deflate" in callback.headers.get("content-encoding", "").lower():
        for form in _AS_DEFLATE:
            try:
                return _inflated(raw, form)
            except zlib.error:
                continue
    return raw


def _inflated(packed: bytes, form: int) -> bytes:
    """Raises `zlib.error`, and `BodyUnreadable` for what would fill the memory."""
    one = zlib.decompressobj(form)
    unpacked = one.decompress(packed, MAX_BYTES + 1)
    if len(unpacked) > MAX_BYTES:
        raise BodyUnreadable("too large when it is unpacked")
    if not one.eof or one.unused_data:
        raise zlib.error("cut off, or more behind it")
    return unpacked


# --- forms -----------------------------------------------------------------------------------------------------------


def _charset(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def _form(raw: bytes, charset: str | None) -> Json:
    if raw.lstrip().startswith(b"--"):
        return _parts(raw.lstrip(), charset)
    text = text_of(raw, charset)
    # Broken JSON may hold "=" and "&" too.
    return {} if text.lstrip().startswith(("{", "[")) else _fields(text, charset)


def _fields(text: str, charset: str | None) -> Json:
    pairs = (pair.partition("=") for pair in text.split("&"))
    return {_unescaped(name, charset): _unescaped(value, charset) for name, _, value in pairs if value}


def _unescaped(text: str, charset: str | None) -> str:
    text = text.replace("+", " ")
    if text.isascii():
        return decoded(unquote_to_bytes(text), charset)
    # What is not escaped has been decoded already.
    return _ESCAPES.sub(lambda found: decoded(unquote_to_bytes(found[0]), charset), text)


def _parts(raw: bytes, charset: str | None) -> Json:
    """A form in multipart/form-data (RFC 7578). Its first line is the boundary, also where no header names it."""
    boundary = raw.partition(b"\n")[0].strip()
    *parts, end = raw.split(b"\n" + boundary)
    fields = {}
    for part in parts if end.startswith(b"--") else []:
        raw_head, *content = _BLANK_LINE.split(part, 1)
        head = decoded(raw_head[:_MAX_HEAD_BYTES])
        name = _PART_NAME.search(head)
        if name and content:
            value = content[0].removesuffix(b"\r")
            fields[name[1] or name[2] or ""] = text_of(value, _charset(head) or charset)
    return fields
