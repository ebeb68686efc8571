"""Gupshup's reports about sent messages: statuses, and clicks on links.

Sources: see `inbound`. Numbers may be text, times are in milliseconds or seconds, codes are in `errorCode` or
`errCode`; a report by GET has other names.
"""

from typing import Any

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.bodies import object_in
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.common.values import blank, identifier, number, seconds, word
from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.gupshup import codes


def report(element: Json) -> StatusEvent | NotUnderstood:
    """A delivery report, correlated by `extra`, else by Gupshup's own id."""
    # The same Gupshup account may send SMS too.
    if word(element.get("channel")) not in ("", "whatsapp"):
        return NotUnderstood("report", "another channel", element)
    name = _word(element, "eventType", "status")
    timestamp = seconds(_first(element, "eventTs", "deliveredTS"))
    reference, bsp_id = identifier(element.get("extra")), identifier(element.get("externalId"))
    if not name:
        return NotUnderstood("report", "no eventType", element)
    if reference is None and bsp_id is None:
        return NotUnderstood("report", "neither extra nor externalId", element)
    code = _code(element)
    status = codes.SUCCESSES.get(code) if name == "SUCCESS" else None
    status = status or codes.STATUSES.get(name)
    if status is not None and status != "failed":
        return StatusEvent(status, timestamp, reference, bsp_id)
    row = codes.cause(_word(element, "cause"), code)
    if status is None and not row.listed:
        # It may be a success.
        return NotUnderstood("report", "unknown eventType", element)
    unlisted = status is None or not row.listed
    return StatusEvent(
        "failed",
        timestamp,
        reference,
        bsp_id,
        row.error,
        row.title,
        unlisted=unlisted,
        # The name of a cause that is not listed could be anything.
        bsp_code=bsp_code(code, row.cause if row.listed else None),
    )


def _code(element: Json) -> str:
    """Three characters, as in the tables; a number may have lost its zeros."""
    code = identifier(_first(element, "errorCode", "errCode"))
    return code.lower().zfill(3) if code else ""


def _word(element: Json, *names: str) -> str:
    """The value in upper case; "" if there is none."""
    return word(_first(element, *names)).upper()


def _first(element: Json, *names: str) -> Any:
    return next((element[name] for name in names if not blank(element.get(name))), None)


# --- clicks ----------------------------------------------------------------------------------------------------------


def click(element: Json, zone: str) -> StatusEvent | NotUnderstood:
    """Gupshup's own format, whose `clickTime` is a local time of `zone`."""
    return _clicked(element, "extra", "originalURL", "gsurl", seconds(element.get("clickTime"), zone))


def generic(element: Any) -> StatusEvent | NotUnderstood:
    """CleverTap's own format for statuses. CleverTap's page says that Gupshup may use it for clicks; others are taken
    too."""
    if not isinstance(element, dict):
        return NotUnderstood("status", "not an object", element)
    name, timestamp = _word(element, "status"), seconds(_first(element, "timestamp", "ts"))
    if name == "CLICKED":
        return _clicked(element, "msgId", "url", "shortUrl", timestamp)
    reference, status = identifier(element.get("msgId")), codes.STATUSES.get(name)
    if status is None:
        return NotUnderstood("status", "unknown status", element)
    if reference is None:
        return NotUnderstood("status", "no msgId", element)
    if status != "failed":
        return StatusEvent(status, timestamp, reference, None)
    row = codes.of_clevertap(number(object_in(element.get("error")).get("code")))
    return StatusEvent("failed", timestamp, reference, None, row.error, row.title, unlisted=not row.listed)


def _clicked(element: Json, msg_id: str, url: str, short_url: str, timestamp: int) -> StatusEvent | NotUnderstood:
    """A click, from its fields' names (mandatory on CleverTap's page) and the time in seconds since 1970."""
    texts = {name: identifier(element.get(name)) for name in (msg_id, url, short_url, "userAgent")}
    for name, text in texts.items():
        if text is None and name != "userAgent":
            return NotUnderstood("click", f"no {name}", element)
    return StatusEvent(
        "clicked",
        timestamp,
        texts[msg_id],
        None,
        url=texts[url],
        short_url=texts[short_url],
        user_agent=texts["userAgent"],
    )
