"""What a person has sent, in CleverTap's forms: the same for every BSP."""

from typing import Any

from whatsapp_bridge.clevertap.callbacks import Button, Kind, Location, Text
from whatsapp_bridge.providers.common.values import MAX_LATITUDE, MAX_LONGITUDE, degrees, detail, text

type Content = tuple[Kind, Text | Button | Location]


def said(words: Any) -> Content | None:
    """A text, None if it is empty."""
    body = text(words)
    return ("text", Text(body=body)) if body else None


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
