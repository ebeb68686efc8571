"""The messages that CleverTap sends.

Source: CleverTap's "Generic WhatsApp" page (docs.clevertap.com/docs/generic-whatsapp), sections "API Payload for
Template Message" and "API Payload for Freeform Message". Its tables and samples spell some keys in several ways: every
spelling is read, the first listed one is written.

Unknown keys and unknown kinds (of component, header, button, parameter) are kept: only an adapter knows whether its BSP
can express them.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from whatsapp_bridge.templates.languages import normalised

# Of CleverTap's "whatsapp:hsm:technology:generic:verify"; the name of a template at WhatsApp has no colon.
_VERIFICATION: Final = ":generic:verify"
VALIDATION_MSG_ID: Final = "0|0|0|0"
_VALIDATION_VALUE: Final = "0"

# CleverTap documents up to 60 characters. Twice that refuses no valid id, and limits the keys made from it.
MAX_MSG_ID_LENGTH: Final = 128


def _problem(kind: Literal["missing", "repeated", "unprintable"], *place: str | int) -> PydanticCustomError:
    """An error at `place` inside the validated value."""
    return PydanticCustomError(kind, "{place}", {"place": place})


# --- parts ------------------------------------------------------------------------------------------------------------


class Model(BaseModel):
    # defer_build: only the kind of message that arrives is compiled, with all its parts.
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, hide_input_in_errors=True, defer_build=True)

    def __repr_args__(self) -> Any:
        # A log or traceback must not show a message's text or number.
        return ()


class TypedModel(Model):
    """`type` names the member that holds the content."""

    type: str

    @model_validator(mode="after")
    def _holds_its_content(self) -> Self:
        if self.type in type(self).model_fields and getattr(self, self.type) is None:
            raise _problem("missing", self.type)
        return self


class Media(Model):
    """A file by its address. In samples, some addresses have no scheme and some file names no extension."""

    media_url: str = Field(alias="mediaURL", min_length=1)
    caption: str | None = None
    filename: str | None = None


class Location(Model):
    """Decimal degrees, as text."""

    latitude: str = Field(validation_alias=AliasChoices("latitude", "lattitude"), serialization_alias="latitude")
    longitude: str
    name: str | None = None
    address: str | None = None


class MediaModel(TypedModel):
    """What template headers and freeform messages share."""

    image: Media | None = None
    video: Media | None = None
    file: Media | None = None
    audio: Media | None = None
    location: Location | None = None

    @property
    def media(self) -> Media | None:
        """The image, video, file or audio that `type` names."""
        content = getattr(self, self.type) if self.type in type(self).model_fields else None
        return content if isinstance(content, Media) else None


class TextParameter(Model):
    type: str = "text"
    text: str
    parameter_name: str | None = None
    """The variable's name where the template has names: not CleverTap's, but the bridge's own."""


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


# A rendered text or a label: the template has it, so a message may omit it.
OptionalText = Annotated[str, BeforeValidator(_or_empty)]


_PLACEHOLDER: Final = r"\{\{\s*([0-9]{1,4})\s*\}\}"
# Templates may have names in place of numbers.
_ANY_PLACEHOLDER: Final = r"\{\{[^{}]*\}\}"


def has_placeholder(text: str) -> bool:
    """Whether a value is still to be filled in: `{{1}}`, or `{{name}}`."""
    return "{{" in text and re.search(_ANY_PLACEHOLDER, text) is not None


class RenderedText(Model):
    """A text with its values filled in, and the values in the order of the template's placeholders."""

    text: OptionalText = ""
    text_parameters: list[TextParameter] | None = Field(default=None, alias="parameters")

    @property
    def parameters(self) -> list[str]:
        return [parameter.text for parameter in self.text_parameters or ()]

    @property
    def filled(self) -> str:
        """The text with the values for the placeholders that are left in it."""
        if not has_placeholder(self.text):
            return self.text
        values = dict(enumerate(self.parameters, 1))
        return re.sub(_PLACEHOLDER, lambda found: values.get(int(found[1]), found[0]), self.text)

    @property
    def is_filled(self) -> bool:
        """Whether no placeholder is left in `filled`: one without a value, one with a name, or a value that is one."""
        return not has_placeholder(self.filled)


# --- components of a template message ---------------------------------------------------------------------------------


class Header(MediaModel):
    text: RenderedText | None = None


class HeaderComponent(Model):
    tag: ClassVar = "#header"
    type: str
    header: Header


class BodyComponent(Model):
    tag: ClassVar = "#body"
    type: str
    body: RenderedText


class FooterComponent(Model):
    tag: ClassVar = "#footer"
    type: str
    footer: str = Field(validation_alias=AliasChoices("footer", "footertext"), serialization_alias="footer")


# Keys are in lower case without separators: CleverTap's payloads say staticUrl, its key table static_url.
BUTTON_SUB_TYPES: Final = {
    "dynamicurl": "dynamicUrl",
    "staticurl": "staticUrl",
    "quickreply": "quickReply",
    "callphone": "callPhone",
    "copycode": "copy_code",
}


def _sub_type(value: str) -> str:
    return BUTTON_SUB_TYPES.get(re.sub(r"[_\s-]", "", value).lower(), value)


class ButtonParameter(TypedModel):
    type: str = "text"
    text: str | None = None
    payload: str | None = None
    coupon_code: str | None = None


class Button(Model):
    """`sub_type` is one of `BUTTON_SUB_TYPES`' values, or an unknown one, unchanged. `text` is the button's label."""

    tag: ClassVar = "#button"
    type: str
    index: int | None = Field(default=None, ge=0)
    sub_type: Annotated[str, AfterValidator(_sub_type)] = Field(
        validation_alias=AliasChoices("subType", "subtype"), serialization_alias="subType"
    )
    text: OptionalText = Field(default="", alias="buttonText")
    button_parameters: list[ButtonParameter] | None = Field(default=None, alias="parameters")
    _position: int = 0

    @property
    def position(self) -> int:
        """Zero-based position in the template, or in the carousel's card."""
        return self._position

    @property
    def parameters(self) -> list[ButtonParameter]:
        return self.button_parameters or []

    def fill(self, value: str) -> None:
        """Put `value` in for the placeholders that are left in its parameters."""
        for parameter in self.parameters:
            if parameter.text is not None and has_placeholder(parameter.text):
                parameter.text = re.sub(_ANY_PLACEHOLDER, value, parameter.text)


class Expiration(Model):
    """Milliseconds since 1970."""

    expiration_time_ms: int


class OfferParameter(TypedModel):
    type: str = "limited_time_offer"
    limited_time_offer: Expiration | None = None


class LimitedTimeOffer(Model):
    tag: ClassVar = "#limited_time_offer"
    type: str
    text: OptionalText = ""
    parameters: list[OfferParameter] | None = None

    @property
    def expiration_time_ms(self) -> int | None:
        """When the offer ends, in milliseconds since 1970."""
        offers = (parameter.limited_time_offer for parameter in self.parameters or ())
        return next((offer.expiration_time_ms for offer in offers if offer), None)


class CustomProps(Model):
    """The business's own keys: the only component without a type."""

    tag: ClassVar = "#custom_props"
    custom_props: list[dict[str, Any]] = Field(alias="customProps")


class UnknownComponent(Model):
    """A component of a type that CleverTap does not document. Its content is in `model_extra`."""

    tag: ClassVar = "#unknown"
    type: str | None = None


class Composed(Model):
    """Has components: a template message, or a card of its carousel."""

    components: "Components"

    @property
    def header(self) -> Header | None:
        return next((part.header for part in self.components if isinstance(part, HeaderComponent)), None)

    @property
    def body(self) -> RenderedText | None:
        return next((part.body for part in self.components if isinstance(part, BodyComponent)), None)

    @property
    def footer(self) -> str | None:
        return next((part.footer for part in self.components if isinstance(part, FooterComponent)), None)

    @property
    def buttons(self) -> list[Button]:
        """In the order of the message; their positions are in `Button.position`."""
        return [part for part in self.components if isinstance(part, Button)]

    @property
    def other(self) -> list["LimitedTimeOffer | Carousel | UnknownComponent"]:
        """The components that not every BSP can express."""
        return [part for part in self.components if isinstance(part, LimitedTimeOffer | Carousel | UnknownComponent)]


class Card(Composed):
    """One card of a carousel."""


class Carousel(Model):
    tag: ClassVar = "#carousel"
    type: str
    cards: list[Card] = Field(min_length=1)


# CleverTap's key table has "buttons", its payloads "button".
_TAGS: Final = {
    "header": HeaderComponent.tag,
    "body": BodyComponent.tag,
    "footer": FooterComponent.tag,
    "button": Button.tag,
    "buttons": Button.tag,
    "limited_time_offer": LimitedTimeOffer.tag,
    "carousel": Carousel.tag,
}


def _tag(component: Any) -> str:
    if isinstance(component, Model):
        return str(getattr(component, "tag", UnknownComponent.tag))
    if not isinstance(component, dict):
        return UnknownComponent.tag
    kind = component.get("type")
    if kind is None and "customProps" in component:
        return CustomProps.tag
    return _TAGS.get(kind.lower(), UnknownComponent.tag) if isinstance(kind, str) else UnknownComponent.tag


# There must be only one header, body and so on; buttons and unknown components may be repeated.
_ONCE: Final = (HeaderComponent, BodyComponent, FooterComponent, LimitedTimeOffer, Carousel)


def _arrange(components: list[Any]) -> list[Any]:
    """Give the buttons their positions, and refuse repeated components of which one is allowed."""
    seen = set()
    for place, component in enumerate(components):
        if isinstance(component, _ONCE):
            if type(component) in seen:
                raise _problem("repeated", place)
            seen.add(type(component))
    buttons = [component for component in components if isinstance(component, Button)]
    for button, position in zip(buttons, button_positions([button.index for button in buttons]), strict=True):
        button._position = position
    return components


def button_positions(indices: Sequence[int | None]) -> list[int]:
    """The zero-based positions of buttons with these indices, in their order.

    CleverTap's samples have two buttons with index 0; then the order gives the positions.
    """
    given = [index for index in indices if index is not None]
    return given if len(set(given)) == len(indices) else list(range(len(indices)))


Component = Annotated[
    Annotated[HeaderComponent, Tag(HeaderComponent.tag)]
    | Annotated[BodyComponent, Tag(BodyComponent.tag)]
    | Annotated[FooterComponent, Tag(FooterComponent.tag)]
    | Annotated[Button, Tag(Button.tag)]
    | Annotated[LimitedTimeOffer, Tag(LimitedTimeOffer.tag)]
    | Annotated[Carousel, Tag(Carousel.tag)]
    | Annotated[CustomProps, Tag(CustomProps.tag)]
    | Annotated[UnknownComponent, Tag(UnknownComponent.tag)],
    Discriminator(_tag),
]
Components = Annotated[list[Component], Field(min_length=1), AfterValidator(_arrange)]


# --- messages ---------------------------------------------------------------------------------------------------------


class Template(Model):
    """A saved template: CleverTap's `namespace` is its name."""

    name: str = Field(alias="namespace", min_length=1)
    language_code: str = Field(alias="languageCode", min_length=1)

    @property
    def language(self) -> str:
        """The language as Meta writes it: ``en``, ``en_GB``. CleverTap's forms include ``en(UK)``."""
        return normalised(self.language_code)


def _identifier(value: str) -> str:
    # Statuses under an id with a replaced character would belong to no message of CleverTap's.
    if not value.isprintable() or value.isspace() or "\ufffd" in value:
        raise _problem("unprintable")
    return value


class Message(Model):
    """`to` and `waba_number` are digits with the country code, without a plus sign."""

    to: str
    waba_number: str = Field(alias="wabaNumber")
    is_template: bool = Field(alias="isTemplate")
    msg_id: Annotated[str, AfterValidator(_identifier)] = Field(
        validation_alias=AliasChoices("msgId", "msg_id"),
        serialization_alias="msgId",
        min_length=1,
        max_length=MAX_MSG_ID_LENGTH,
    )

    def wire(self) -> dict[str, Any]:
        """The message in CleverTap's JSON, unknown keys included; `read_message` makes an equal message from it."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class TemplateMessage(Composed, Message):
    template: Template

    @model_validator(mode="after")
    def _has_values_for_its_urls(self) -> Self:
        # CleverTap's validation of a saved template may have the template's own URL in place of a value. What its other
        # validations have is put in.
        if self.msg_id == VALIDATION_MSG_ID:
            holders: list[Composed] = [self]
            holders += (card for part in self.components if isinstance(part, Carousel) for card in part.cards)
            for button in (button for holder in holders for button in holder.buttons):
                button.fill(_VALIDATION_VALUE)
        return self


class FreeformText(Model):
    body: str = Field(min_length=1)


class FreeformMessage(MediaModel, Message):
    type: Literal["text", "image", "video", "file", "audio", "location"]
    text: FreeformText | None = None


def is_validation_reference(reference: str) -> bool:
    """Whether the message only validates a saved template in CleverTap.

    All those have the same msgId, to which the bridge adds a `#` and its own id.
    """
    return reference == VALIDATION_MSG_ID or reference.startswith(f"{VALIDATION_MSG_ID}#")


def is_template_validation(message: TemplateMessage | FreeformMessage) -> bool:
    """Whether CleverTap only checks a template because somebody saves it: a message of it, to a number of its own."""
    return isinstance(message, TemplateMessage) and message.msg_id == VALIDATION_MSG_ID


def is_provider_validation(message: TemplateMessage | FreeformMessage) -> bool:
    """Whether CleverTap only checks the endpoint and its credentials because somebody saves a provider entry."""
    return isinstance(message, TemplateMessage) and is_verification(message.template.name)


def is_verification(namespace: object) -> bool:
    """Whether it is the namespace with which CleverTap checks a provider entry."""
    return isinstance(namespace, str) and namespace.endswith(_VERIFICATION)
