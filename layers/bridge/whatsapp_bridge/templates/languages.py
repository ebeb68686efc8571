"""The languages of templates: one spelling for the many in use, and which variant of a template a message means.

Source: "Supported languages" of Meta's documentation, which grows: any well-formed code is taken. `en(UK)` is
CleverTap's spelling, `en-US` that of Meta's webhooks. The names of regions with three letters are Meta's labels
("Portuguese (POR)").
"""

import re
from collections.abc import Collection
from typing import Final

_FORM: Final = re.compile(r"([a-z]{2,3})(?:[\s_(-]+([a-z]{2,3})\)?)?", re.IGNORECASE)
_REGIONS: Final = {
    ("en", "UK"): "GB",
    ("pt", "POR"): "PT",
    ("es", "SPA"): "ES",
    ("es", "MEX"): "MX",
    ("es", "ARG"): "AR",
    ("zh", "CHN"): "CN",
    ("zh", "HKG"): "HK",
    ("zh", "TAI"): "TW",
}


def normalised(code: str) -> str:
    """The language as Meta's list has it: ``en``, ``en_GB``. What has another form is only trimmed and in lower
    case."""
    match = _FORM.fullmatch(code.strip())
    if match is None:
        return code.strip().lower()
    language, region = match[1].lower(), (match[2] or "").upper()
    return f"{language}_{_REGIONS.get((language, region), region)}" if region else language


def chosen(code: str, existing: Collection[str], approved: Collection[str]) -> str | None:
    """The variant that a message in this language means; None if there is none. All are `normalised`.

    A message without a region takes the only approved variant of its language. Never one region for another: a business
    that sent pt_PT for pt_BR was reported for it (nyaruka/rapidpro#1206), and to Meta `en` and `en_US` are two.
    """
    if code in existing:
        return code
    if "_" in code:
        return None
    variants = [variant for variant in approved if variant.partition("_")[0] == code]
    return variants[0] if len(variants) == 1 else None
