"""The form of a template's file: Meta's request to create one, for every BSP.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template components" and the page
of each kind of template. One member is ours: `example.header_file`, a file for a header's sample; its path begins where
the template's file is. Types, formats and categories may be written in any case, as Meta takes them.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from whatsapp_bridge.templates.languages import normalised
from whatsapp_bridge.templates.template import NAMED, POSITIONAL


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def capitals(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


_in_any_case = BeforeValidator(capitals)


class Typed(Part):
    type: str


class Worded(Typed):
    text: str | None = None


class Labelled(Typed):
    text: str


class NamedSample(Part):
    param_name: str
    example: str


class HeaderSamples(Part):
    header_text: list[str] | None = None
    """A text header's sample, in a list."""
    header_text_named_params: list[NamedSample] | None = None
    header_handle: list[str] | None = None
    """A file that Meta has already got: its handle."""
    header_file: str | None = None
    """A file of this machine, relative to the template's file: pdf, jpg, jpeg, png or mp4."""


class BodySamples(Part):
    body_text: list[list[str]] | list[str] | str | None = None
    """The samples in order: a list in a list."""
    body_text_named_params: list[NamedSample] | None = None


class Header(Worded):
    type: Annotated[Literal["HEADER"], _in_any_case]
    format: Annotated[
        str, _in_any_case, Field(json_schema_extra={"enum": ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"]})
    ]
    text: str | None = None
    example: HeaderSamples | None = None


class Body(Worded):
    type: Annotated[Literal["BODY"], _in_any_case]
    text: str | None = None
    example: BodySamples | None = None
    add_security_recommendation: bool | None = None


class Footer(Worded):
    type: Annotated[Literal["FOOTER"], _in_any_case]
    text: str | None = None
    code_expiration_minutes: int | None = None


class QuickReply(Labelled):
    type: Annotated[Literal["QUICK_REPLY"], _in_any_case]
    text: str


class Url(Labelled):
    type: Annotated[Literal["URL"], _in_any_case]
    text: str
    url: str
    example: list[str] | str | None = None
    """The variable's sample: what follows the address, or the whole address."""
    app_deep_link: dict[str, Any] | None = None


class PhoneNumber(Labelled):
    type: Annotated[Literal["PHONE_NUMBER"], _in_any_case]
    text: str
    phone_number: str


class CopyCode(Typed):
    type: Annotated[Literal["COPY_CODE"], _in_any_case]
    text: str | None = None
    """WhatsApp's own; it cannot be chosen."""
    example: list[str] | str | None = None


class Other(Typed):
    """Of a type that CleverTap cannot send, or that is newer than this program."""

    model_config = ConfigDict(extra="allow")
    type: Annotated[str, _in_any_case]


_BUTTONS: Final = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE")
_COMPONENTS: Final = ("HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL")


def _kind(known: tuple[str, ...]) -> Discriminator:
    def kind(value: Any) -> str:
        given = capitals(value.get("type") if isinstance(value, dict) else getattr(value, "type", None))
        return given if given in known else "OTHER"

    return Discriminator(kind)


class OtherButton(Other):
    type: Annotated[
        str, _in_any_case, Field(json_schema_extra={"enum": ["CATALOG", "MPM", "SPM", "OTP", "FLOW", "VOICE_CALL"]})
    ]


type Button = Annotated[
    Annotated[QuickReply, Tag("QUICK_REPLY")]
    | Annotated[Url, Tag("URL")]
    | Annotated[PhoneNumber, Tag("PHONE_NUMBER")]
    | Annotated[CopyCode, Tag("COPY_CODE")]
    | Annotated[OtherButton, Tag("OTHER")],
    _kind(_BUTTONS),
]


class Buttons(Typed):
    type: Annotated[Literal["BUTTONS"], _in_any_case]
    buttons: list[Button]


class Offer(Part):
    text: str | None = None
    has_expiration: bool | None = None


class LimitedTimeOffer(Typed):
    type: Annotated[Literal["LIMITED_TIME_OFFER"], _in_any_case]
    limited_time_offer: Offer


class OtherComponent(Other):
    type: Annotated[str, _in_any_case, Field(json_schema_extra={"enum": ["CALL_PERMISSION_REQUEST"]})]


type CardComponent = Annotated[
    Annotated[Header, Tag("HEADER")]
    | Annotated[Body, Tag("BODY")]
    | Annotated[Buttons, Tag("BUTTONS")]
    | Annotated[OtherComponent, Tag("OTHER")],
    _kind(("HEADER", "BODY", "BUTTONS")),
]


class Card(Part):
    components: list[CardComponent]


class Carousel(Typed):
    type: Annotated[Literal["CAROUSEL"], _in_any_case]
    cards: list[Card]


type Component = Annotated[
    Annotated[Header, Tag("HEADER")]
    | Annotated[Body, Tag("BODY")]
    | Annotated[Footer, Tag("FOOTER")]
    | Annotated[Buttons, Tag("BUTTONS")]
    | Annotated[LimitedTimeOffer, Tag("LIMITED_TIME_OFFER")]
    | Annotated[Carousel, Tag("CAROUSEL")]
    | Annotated[OtherComponent, Tag("OTHER")],
    _kind(_COMPONENTS),
]


class Draft(Part):
    """A WhatsApp template in one language, in Meta's words."""

    name: str
    """1 to 512 of a-z, 0-9 and _."""
    language: str
    """Meta's code, such as en or en_GB."""
    category: Annotated[
        str, _in_any_case, Field(json_schema_extra={"enum": ["MARKETING", "UTILITY", "AUTHENTICATION"]})
    ]
    components: list[Component]
    parameter_format: Annotated[str, _in_any_case, Field(json_schema_extra={"enum": [POSITIONAL, NAMED]})] | None = None
    """POSITIONAL for {{1}} (the default), NAMED for {{first_name}}."""
    message_send_ttl_seconds: int | None = None
    """For how long WhatsApp tries to deliver a message."""
    cta_url_link_tracking_opted_out: bool | None = None


def wire(draft: Draft) -> dict[str, Any]:
    """The draft as Meta's request; what is not given is not there."""
    made: dict[str, Any] = draft.model_dump(exclude_none=True)
    return made | {"language": normalised(draft.language)}
