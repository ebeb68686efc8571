"""Messages of one template as the sheet of a bulk BROADCAST.

Source: section "Send Bulk Broadcast (Using Excel)" of Message Central's documentation: the columns Country, Mobile,
ctaVar1, ctaVar2 always, then var1 to varN for the template's variables.
"""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from whatsapp_bridge.providers.capabilities import Json

CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_URLS: Final = 2
# XML allows no control characters, halves of surrogate pairs or U+FFFE and U+FFFF, and reads a carriage return as a
# line break: https://www.w3.org/TR/xml/#charsets. In a sheet _x0041_ stands for an A: ECMA-376, ST_Xstring.
_NOT_IN_A_SHEET: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_MAX_CELL: Final = 32_767
"""Characters."""


def group_of(request: Json) -> tuple[str, str, int, int] | None:
    """Messages of the same group may share a sheet; None if no sheet can hold the message."""
    if request["type"] != "BROADCAST" or not all(map(_fits, (*request["variables"], *request["ctaVariables"]))):
        return None
    return request["templateName"], request["langId"], len(request["variables"]), len(request["ctaVariables"])


def _fits(value: str) -> bool:
    return len(value) <= _MAX_CELL and _NOT_IN_A_SHEET.search(value) is None


def load() -> None:
    """Import openpyxl. That is too slow to do between a message's mark and its request."""
    import openpyxl  # noqa: F401


def sheet(requests: Sequence[Json]) -> bytes:
    """The file: a row for each request of one group, in their order."""
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    places = range(1, len(requests[0]["variables"]) + 1)
    page.append(["Country", "Mobile", "ctaVar1", "ctaVar2", *(f"var{place}" for place in places)])
    for row, request in enumerate(requests, 2):
        urls = [*request["ctaVariables"], *[None] * _URLS][:_URLS]
        values = [request["countryCode"], request["mobileNumber"], *urls, *request["variables"]]
        for column, value in enumerate(values, 1):
            if value is not None:
                cell = page.cell(row, column, value)
                # As text: a number would lose its leading zeros, and "=1+1" would be a formula.
                cell.data_type = "s"
    file = BytesIO()
    book.save(file)
    return file.getvalue()
