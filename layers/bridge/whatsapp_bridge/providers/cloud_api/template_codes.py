"""Meta's errors about making and changing templates, by `error_subcode`.

Its titles and sentences are in the language of the account: they are shown, and never compared. Source: answers that
public clients have captured; Meta's page calls the subcode obsolete and still sends it.
"""

from typing import Final, NamedTuple

from whatsapp_bridge.providers.contract.template_admin import NotDoneFor


class SubcodeRow(NamedTuple):
    """`advice` is ours, for people; "" if Meta's words say enough."""

    subcode: int
    why: NotDoneFor
    advice: str


_SUBCODES: Final = (
    SubcodeRow(2388019, "refused", "the business account has as many templates as it may have: delete some"),
    # Clients exchange these two, and their sentences resemble each other.
    SubcodeRow(2388023, "exists", "a deleted one blocks its name for up to 30 days: use another name"),
    SubcodeRow(2388024, "exists", "it exists in this language: edit it, or use another name"),
    SubcodeRow(2388039, "refused", "its status does not allow the change"),
    SubcodeRow(2388040, "refused", "a part is too long: see lint"),
    SubcodeRow(2388043, "refused", "a sample is missing: see lint"),
    SubcodeRow(2388046, "refused", "the name has a-z, 0-9 and _: see lint"),
    SubcodeRow(2388047, "refused", "the header is not as Meta wants it: see lint"),
    SubcodeRow(2388049, "refused", "Meta does not know the language"),
    SubcodeRow(2388072, "refused", "the body, or an emoji in the header, is not as Meta wants it: see lint"),
    SubcodeRow(2388073, "refused", "the footer is not as Meta wants it: see lint"),
    SubcodeRow(2388094, "refused", "Meta's sample templates cannot be deleted"),
    SubcodeRow(2388155, "refused", "it is the name of one of Meta's sample templates: use another name"),
    SubcodeRow(2388185, "refused", "the business has to be verified first"),
    SubcodeRow(2388273, "refused", "the header's sample is missing: example.header_file"),
    SubcodeRow(2388293, "refused", "there are too many variables for so few words"),
    SubcodeRow(2388299, "refused", "the body begins or ends with a variable"),
)
SUBCODES: Final = {row.subcode: row for row in _SUBCODES}

RATES: Final = frozenset({4, 80007, 80008, 80012})
# "Unknown error" and "service": what came of the request, nobody says.
UNCLEAR: Final = frozenset({1, 2})
# No such object, or none that this token may see.
NOT_SEEN: Final = 33
PERMISSIONS: Final = frozenset({0, 3, 10, 190, *range(200, 300)})
