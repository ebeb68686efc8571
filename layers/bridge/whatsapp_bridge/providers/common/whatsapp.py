"""WhatsApp's own rules for messages to people, the same for every BSP. A message that breaks one is `Refused`.

Source: the pages of the message types and "Supported media types" of Meta's documentation of the Cloud API.
"""

import re
from collections.abc import Sequence
from typing import Final

from whatsapp_bridge.clevertap.messages import Location, Media
from whatsapp_bridge.media.addresses import address
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common.limits import MAX_CAPTION, MAX_TEXT, check_length
from whatsapp_bridge.providers.common.values import MAX_LATITUDE, MAX_LONGITUDE, degrees

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


def filled(values: Sequence[str], path: str) -> Sequence[str]:
    """A template's parameters, none of which may be empty; `path` is that of their owner in CleverTap's message."""
    for index, value in enumerate(values):
        if not value.strip():
            raise Refused(f"{path}.parameters[{index}].text", "is empty")
    return values
