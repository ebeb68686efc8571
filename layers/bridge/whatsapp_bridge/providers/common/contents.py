"""What a person has sent, in CleverTap's forms: the same for every BSP.

Interactive messages, reactions and orders have Meta's members, which BSPs pass on; sources: the page of each in Meta's
documentation, below the one named in `cloud_api.inbound`. Words in [brackets] are the bridge's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from whatsapp_bridge.clevertap.callbacks import Button, Kind, Location, MediaKind, Text
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.attachments import text_without_file
from whatsapp_bridge.providers.common.bodies import json_in, object_in
from whatsapp_bridge.providers.common.values import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    TAPS,
    degrees,
    detail,
    each,
    empty,
    identifier,
    in_brackets,
    lines,
    member_of,
    says_nothing,
    text,
    word,
)
from whatsapp_bridge.providers.contract.replies import Attachment

type Content = tuple[Kind, Text | Button | Location]

_FORM: Final = "nfm_reply"
# The business's own, which comes back with a form: nothing that the person has filled in.
_NOT_FILLED_IN: Final = frozenset({"flow_token"})


def said(words: Any) -> Content | None:
    """A text, None if it is empty."""
    body = text(words)
    return ("text", Text(body=body)) if body else None


def told(words: Iterable[str]) -> Content | None:
    """A text of these lines, without the empty ones."""
    return said("\n".join(line for line in words if line))


def unknown(kind: str, content: Any) -> Content | None:
    """A kind of message that no table names: its name and everything in it. A choice or a form as what it is."""
    if kind in TAPS and not empty(content):
        return interactive({kind: content})
    return told([in_brackets(kind), *lines(json_in(content))])


def with_asides(found: Content | None, asides: Sequence[str]) -> Content | None:
    """The content, and behind its words the bridge's own lines of what stands beside it. A tapped button's payload
    stays as it is."""
    if found is None or not asides:
        return found or told(asides)
    form, content = found
    match content:
        case Text(body=body):
            return told([body, *asides])
        case Button(text=label):
            return form, content.model_copy(update={"text": "\n".join([label, *asides])})
        case Location(name=name):
            return form, content.model_copy(update={"name": "\n".join(filter(None, [name, *asides]))})


def tapped(payload: Any, label: Any) -> Content | None:
    """A tapped button, None if it says nothing. CleverTap needs both; one replaces the other if it is missing."""
    payload, label = text(payload), text(label)
    return ("button", Button(payload=payload or label, text=label or payload)) if payload or label else None


def placed(latitude: Any, longitude: Any, **words: Any) -> Content | None:
    """A place, None if it is nowhere; `words` are `name`, `address` and `url`."""
    north, east = degrees(latitude, MAX_LATITUDE), degrees(longitude, MAX_LONGITUDE)
    if north is None or east is None:
        return None
    details = {name: detail(value) for name, value in words.items()}
    return "location", Location(latitude=north, longitude=east, **details)


def with_caption(attachment: Attachment, asides: Sequence[str]) -> Attachment:
    """A file, and behind its caption such lines."""
    return replace(attachment, caption="\n".join(filter(None, [attachment.caption, *asides])) or None)


def without_file(attachment: Attachment) -> tuple[Kind, Text]:
    """The message if its file cannot be fetched."""
    return "text", Text(body=text_without_file(attachment.kind, attachment.caption))


# --- Meta's members --------------------------------------------------------------------------------------------------

# A sticker is a WebP image. CleverTap's list of types has `voice`, but its payloads only `audio`, so a voice message
# becomes audio.
FILES: Final[dict[str, MediaKind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "image",
    # Earlier APIs had this type; Meta now documents voice messages as `audio` with `voice` true.
    "voice": "audio",
}


def button(value: Any) -> Content | None:
    """A tapped quick reply of a template; None if it says nothing."""
    content = object_in(value)
    return tapped(content.get("payload"), content.get("text"))


def location(value: Any) -> Content | None:
    """A place; None if it is nowhere."""
    place = object_in(value)
    words = {name: place.get(name) for name in ("name", "address", "url")}
    return placed(place.get("latitude"), place.get("longitude"), **words)


def interactive(value: Any) -> Content | None:
    """A tapped button, a choice of a list, or a form that was filled in; None if it says nothing."""
    message = object_in(value)
    kind = member_of(message, word(message.get("type")), TAPS)
    if kind not in TAPS:
        return unknown("interactive", value)
    # Its members may stand beside its type.
    content = object_in(message.get(kind)) or message
    found = told(_filled_in(content)) if kind == _FORM else _chosen(content)
    return found if found or says_nothing(message, beside=("type",)) else unknown("interactive", value)


def _chosen(choice: Json) -> Content | None:
    """An entry of a list may have a description below its title."""
    title, description = text(choice.get("title")), text(choice.get("description"))
    label = "\n".join(line for line in (title, description) if line)
    return tapped(text(choice.get("id")) or title, label)


def _filled_in(form: Json) -> list[str]:
    """The answers are a text that holds JSON."""
    answers = json_in(form.get("response_json"))
    if isinstance(answers, dict):
        answers = {name: value for name, value in answers.items() if name not in _NOT_FILLED_IN}
    return lines(answers) or [text(form.get("body")) or (in_brackets("form") if form.get("response_json") else "")]


def reaction(value: Any) -> Content | None:
    """An emoji; one that is taken back is empty, or not there. None if there is no reaction."""
    content = json_in(value)
    emoji = text(content.get("emoji")) if isinstance(content, dict) else text(content)
    return said(emoji or in_brackets("reaction removed")) if content else None


def order(value: Any) -> Content | None:
    """The words that came with it, a line per product, and what else is among them; None if it says nothing."""
    content = object_in(value)
    items = [(_product(item), item) for item in map(json_in, each(json_in(content.get("product_items"))))]
    others = [item for product, item in items if not product]
    return told([text(content.get("text")), *(product for product, _ in items), *lines(others)])


def _product(value: Any) -> str:
    item = object_in(value)
    product, quantity = identifier(item.get("product_retailer_id")), identifier(item.get("quantity"))
    return f"{quantity or '1'} x {product}{_price(item)}" if product else ""


def _price(item: Json) -> str:
    amount, currency = detail(item.get("item_price")), detail(item.get("currency")) or ""
    return f", {amount} {currency}".rstrip() if amount else ""
