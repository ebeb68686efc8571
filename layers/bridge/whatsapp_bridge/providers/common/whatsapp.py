"""WhatsApp's own rules for messages to people, the same for every BSP. A message that breaks one is `Refused`.

Source: the pages of the message types and "Supported media types" of Meta's documentation of the Cloud API.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from whatsapp_bridge.clevertap.messages import Button, Location, Media, TemplateMessage
from whatsapp_bridge.media.addresses import address
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common.limits import MAX_CAPTION, MAX_TEXT, check_length
from whatsapp_bridge.providers.common.values import MAX_LATITUDE, MAX_LONGITUDE, degrees

# For the payloads of one message with their labels, UTF-8. They stand in its record, of which DynamoDB charges each
# write by the size. Ten buttons with labels of 25 characters and payloads of 128, Meta's limits, have 1530.
_MAX_KEPT_BYTES: Final = 4096
_LINK: Final = re.compile(r"https?://\S", re.IGNORECASE)


def text(body: str) -> str:
    """A freeform text."""
    if not body.strip():
        raise Refused("text.body", "is empty")
    check_length(body, "text.body", MAX_TEXT)
    return body


def has_link(body: str) -> bool:
    """Whether it has a link that WhatsApp could preview."""
    return _LINK.search(body) is not None


def media_address(media: Media, path: str) -> str:
    """The full address of a file; `path` is the file's path in CleverTap's message."""
    try:
        return address(media.media_url)
    except ValueError as error:
        raise Refused(f"{path}.mediaURL", str(error)) from None


def caption(media: Media, kind: str) -> str | None:
    """The caption of a freeform message's file, or None. `kind` is CleverTap's."""
    if not media.caption:
        return None
    if kind == "audio":
        raise Refused("audio.caption", "WhatsApp shows no caption with audio")
    check_length(media.caption, f"{kind}.caption", MAX_CAPTION)
    return media.caption


def coordinates(location: Location, path: str) -> tuple[str, str]:
    """Latitude and longitude in decimal degrees; `path` is the location's path in CleverTap's message."""
    latitude, longitude = degrees(location.latitude, MAX_LATITUDE), degrees(location.longitude, MAX_LONGITUDE)
    if latitude is None:
        raise Refused(f"{path}.latitude", f"must be decimal degrees from -{MAX_LATITUDE} to {MAX_LATITUDE}")
    if longitude is None:
        raise Refused(f"{path}.longitude", f"must be decimal degrees from -{MAX_LONGITUDE} to {MAX_LONGITUDE}")
    return latitude, longitude


def payload_of(button: Button, path: str) -> str:
    """What a tap of this quick reply brings back, in place of its label; "" if nothing is given."""
    if len(button.parameters) > 1:
        raise Refused(f"{path}.parameters", "a quick reply takes at most one parameter")
    given = button.parameters[0].payload if button.parameters else None
    return given if given and given.strip() else ""


def payloads_by_label(message: TemplateMessage) -> dict[str, str]:
    """What a tap of each quick reply brings back, for a BSP that says only its label; empty if the labels say it all.
    Of a message that `check_payloads` refuses, what is certain. Raises `Refused`."""
    found: dict[str, set[str]] = defaultdict(set)
    for _, label, payload in _quick_replies(message):
        found[label].add(payload)
    certain = {label: payloads.pop() for label, payloads in found.items() if len(payloads) == 1 and label.strip()}
    return certain if _size(certain) <= _MAX_KEPT_BYTES else {}


def check_payloads(message: TemplateMessage) -> None:
    """Raises `Refused` for a payload that the label of its button does not lead back to."""
    found: dict[str, str] = {}
    for path, label, payload in _quick_replies(message):
        if payload != label and not label.strip():
            raise Refused(f"{path}.buttonText", "is empty; only by its label a tap leads back to its payload")
        if found.setdefault(label, payload) != payload:
            raise Refused(f"{path}.buttonText", "is that of another quick reply, which has another payload")
    if _size(found) > _MAX_KEPT_BYTES:
        raise Refused("components", f"labels and payloads of quick replies are longer than {_MAX_KEPT_BYTES} bytes")


def _size(payloads: Mapping[str, str]) -> int:
    """In bytes."""
    return sum(len(label.encode()) + len(payload.encode()) for label, payload in payloads.items())


def _quick_replies(message: TemplateMessage) -> list[tuple[str, str, str]]:
    """Path, label and payload, which is the label where none is given; none of them if each brings back its label."""
    found = []
    for index, component in enumerate(message.components):
        if isinstance(component, Button) and component.sub_type == "quickReply":
            path = f"components[{index}]"
            found.append((path, component.text, payload_of(component, path) or component.text))
    return found if any(label != payload for _, label, payload in found) else []


def filled(values: Sequence[str], path: str) -> Sequence[str]:
    """A template's parameters, none of which may be empty; `path` is that of their owner in CleverTap's message."""
    for index, value in enumerate(values):
        if not value.strip():
            raise Refused(f"{path}.parameters[{index}].text", "is empty")
    return values
