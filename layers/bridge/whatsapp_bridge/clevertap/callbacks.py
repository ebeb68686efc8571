"""The callbacks that CleverTap accepts.

Source: CleverTap's "Generic WhatsApp" page (docs.clevertap.com/docs/generic-whatsapp), section "WhatsApp Callbacks".
The bridge makes these, so only the documented form can be built; anything else is a `ValidationError`.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from whatsapp_bridge.clevertap.codes import CallbackError

# Its samples also say `payloadversion` and `paytloadVersion`.
PAYLOAD_VERSION: Final = "0.1"
MAX_TITLE_LENGTH: Final = 255


class Callback(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_by_name=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    def __repr_args__(self) -> Any:
        # A log or traceback must not show a text or number.
        return ()

    def wire(self) -> dict[str, Any]:
        """The callback in CleverTap's JSON, without members that have no value."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


Identifier = Annotated[str, Field(min_length=1)]
# Seconds since 1970, as text in JSON.
Timestamp = Annotated[int, Field(ge=0), PlainSerializer(str)]


# --- statuses ---------------------------------------------------------------------------------------------------------


def _shorten(title: Any) -> Any:
    return title[:MAX_TITLE_LENGTH] if isinstance(title, str) else title


class StatusError(Callback):
    """`title` is the BSP's or the bridge's description, cut at `MAX_TITLE_LENGTH`."""

    code: CallbackError
    title: Annotated[str, BeforeValidator(_shorten)]


class StatusUpdate(Callback):
    """One status of one message. Only `failed` has an `error`; only `clicked` has a `url`."""

    msg_id: Identifier = Field(alias="msgId")
    status: Literal["sent", "delivered", "read", "failed", "clicked"]
    timestamp: Timestamp
    error: StatusError | None = None
    url: str | None = None
    short_url: str | None = Field(default=None, alias="shortUrl")
    user_agent: str | None = Field(default=None, alias="userAgent")

    @model_validator(mode="after")
    def _fits_its_status(self) -> Self:
        if (self.status == "failed") != (self.error is not None):
            raise ValueError("a failed status must have an error, and no other status may have one")
        if self.status != "clicked" and (self.url or self.short_url or self.user_agent):
            raise ValueError("only a clicked status may have url, shortUrl and userAgent")
        return self


class StatusCallback(Callback):
    payload_version: Literal["0.1"] = Field(default=PAYLOAD_VERSION, alias="payloadVersion")
    statuses: list[StatusUpdate] = Field(min_length=1)


# --- incoming messages ------------------------------------------------------------------------------------------------


class Context(Callback):
    """The msgId of the answered message."""

    id: Identifier


class Text(Callback):
    body: str


class Location(Callback):
    """Decimal degrees, as text."""

    latitude: str
    longitude: str
    name: str | None = None
    address: str | None = None
    url: str | None = None


class Media(Callback):
    media_url: Identifier = Field(alias="mediaURL")
    mime_type: str | None = Field(default=None, alias="mimeType")
    caption: str | None = None


class Button(Callback):
    """A quick reply that was tapped: `payload` as sent with the button, `text` its label."""

    payload: str
    text: str


type MediaKind = Literal["image", "video", "audio", "voice", "file"]
type Kind = Literal["text", "location", "button"] | MediaKind


class IncomingMessage(Callback):
    """One message from a person, with exactly one content: the member that `type` names.

    `sender` and `waba_number` are digits. `document` repeats a `file`, as CleverTap's own sample has it.
    """

    payload_version: Literal["0.1"] = Field(default=PAYLOAD_VERSION, alias="payloadVersion")
    sender: Identifier = Field(alias="from")
    waba_number: Identifier = Field(alias="wabaNumber")
    timestamp: Timestamp
    type: Kind
    context: Context | None = None
    text: Text | None = None
    location: Location | None = None
    image: Media | None = None
    video: Media | None = None
    audio: Media | None = None
    voice: Media | None = None
    file: Media | None = None
    document: Media | None = None
    button: Button | None = None

    @model_validator(mode="after")
    def _has_one_content(self) -> Self:
        contents = {name for name in CONTENTS if getattr(self, name) is not None}
        if contents - {"document"} != {self.type} or ("document" in contents and self.document != self.file):
            raise ValueError("must have only the content that type names, and document only as a copy of file")
        return self

    @classmethod
    def of(
        cls,
        kind: Kind,
        content: Text | Location | Media | Button,
        *,
        sender: str,
        waba_number: str,
        timestamp: int,
        answers: str | None = None,
        document_copy: bool = False,
    ) -> Self:
        """A message with `content`; `answers` is the msgId of the message it replies to, `timestamp` in seconds."""
        return cls.model_validate(
            {
                "sender": sender,
                "waba_number": waba_number,
                "timestamp": timestamp,
                "type": kind,
                "context": None if answers is None else Context(id=answers),
                kind: content,
                "document": content if document_copy and kind == "file" else None,
            }
        )

    def with_media(self, kind: MediaKind, media: Media, *, document_copy: bool = False) -> "IncomingMessage":
        """The same message with `media` in place of its content."""
        message = IncomingMessage.of(
            kind,
            media,
            sender=self.sender,
            waba_number=self.waba_number,
            timestamp=self.timestamp,
            document_copy=document_copy,
        )
        return message.model_copy(update={"context": self.context})


CONTENTS: Final = ("text", "location", "image", "video", "audio", "voice", "file", "document", "button")
