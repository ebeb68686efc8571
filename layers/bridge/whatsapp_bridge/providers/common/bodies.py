"""The bodies of BSPs' callbacks: the one place where adapters get JSON, forms and queries from.

A character that cannot be decoded is replaced (`runtime.json_text`), so that it affects nothing else in the callback.
"""

from typing import Any
from urllib.parse import parse_qsl

from whatsapp_bridge.providers.contract import BodyUnreadable, Callback, Json, NotACallback
from whatsapp_bridge.runtime.json_text import read_json, sound, text_of


def json_body(callback: Callback) -> Any:
    """The body as JSON. Raises `NotACallback` if it is empty, else `BodyUnreadable`."""
    try:
        return read_json(_body(callback))
    except ValueError:
        raise BodyUnreadable("not JSON") from None


def json_or_form(callback: Callback) -> Any:
    """The same, or a form's fields: the content type is not always there."""
    raw = _body(callback)
    try:
        return read_json(raw)
    except ValueError:
        fields = _form(text_of(raw))
    if not fields:
        raise BodyUnreadable("neither JSON nor a form")
    return fields


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


def _body(callback: Callback) -> bytes:
    if not callback.body.strip():
        raise NotACallback("empty")
    return callback.body


def _form(text: str) -> Json:
    # Broken JSON may hold "=" and "&" too.
    return {} if text.lstrip().startswith(("{", "[")) else dict(parse_qsl(text, errors="replace"))
