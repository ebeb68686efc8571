"""Files in messages to people that the bridge gives to a BSP: fetched from CleverTap's address, checked by content.

The limits here are WhatsApp's own; a BSP may have lower or other limits. Source:
https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.media import file_types
from whatsapp_bridge.media.fetch import Source, SourceDead, SourceUnavailable
from whatsapp_bridge.media.file_types import FileType, file_name
from whatsapp_bridge.net.http import OutOfTime
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import NotSent, Rejected, Throttled

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

MB: Final = 1024 * 1024


class FileRule(NamedTuple):
    """What a BSP accepts for one of CleverTap's kinds."""

    types: tuple[FileType, ...]
    max_bytes: int
    words: str


# Of the formats in Ogg, WhatsApp plays only Opus; the first page names it (RFC 7845, 5.1).
_OPUS: Final = file_types.OGG._replace(content_type="audio/ogg; codecs=opus")
_OPUS_HEAD: Final = b"OpusHead"
_FIRST_PAGE_BYTES: Final = 64

IMAGE: Final = FileRule((file_types.JPEG, file_types.PNG), 5 * MB, "JPEG or PNG")
VIDEO: Final = FileRule((file_types.MP4, file_types.THREE_GPP), 16 * MB, "MP4 or 3GPP")
AUDIO: Final = FileRule(
    (file_types.AAC, file_types.MP4_AUDIO, file_types.AMR, file_types.MPEG_AUDIO, _OPUS),
    16 * MB,
    "AAC, MP4, AMR, MP3 or Ogg with Opus",
)

type Refusal = Rejected | Throttled | NotSent


class CannotPrepare(Exception):
    """The message cannot be sent, for now or ever."""

    def __init__(self, outcome: Refusal) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that the BSP accepts. `name` has an extension of its type."""

    content: bytes = field(repr=False)
    type: FileType
    name: str = field(repr=False)
    validator: str


def type_of(content: bytes, rule: FileRule) -> FileType | None:
    """The file's type if the rule accepts it, else None."""
    found = file_types.type_of(content)
    if found is file_types.MP4 and file_types.MP4_AUDIO in rule.types:
        # Video and audio share this container; the brand does not reliably tell them apart.
        found = file_types.MP4_AUDIO
    if found is file_types.OGG and _OPUS_HEAD in content[:_FIRST_PAGE_BYTES]:
        found = _OPUS
    return found if found in rule.types else None


def fetch(services: Services, account: "Account", source: Json, rule: FileRule) -> Fetched:
    """The file that `outbound` names, if the BSP accepts it. Raises `CannotPrepare`."""
    # Without a validator, `find` never returns None.
    found = cast("Source", find(services, account, source, rule.max_bytes, None))
    return checked(source, found, rule)


def find(services: Services, account: "Account", source: Json, max_bytes: int, known: str | None) -> Source | None:
    kind = source["kind"]
    try:
        return services.files.fetch(source["url"], max_bytes, loopback=account.on_one_machine, validator=known)
    except OutOfTime as error:
        raise CannotPrepare(NotSent(f"{kind}: {error}", no_time=True)) from None
    except SourceDead as error:
        raise CannotPrepare(rejected(f"{kind}: mediaURL {error.reason}")) from None
    except SourceUnavailable as error:
        reason = f"{kind}: mediaURL {error.reason}"
        raise CannotPrepare(NotSent(reason, verdict=rejected(reason))) from None


def checked(source: Json, found: Source, rule: FileRule) -> Fetched:
    kind = type_of(found.content, rule)
    # A page or an error text in place of a file: the name promises another type.
    veiled = kind is file_types.TEXT and not file_types.may_be_text(source.get("fileName"), source["url"])
    if kind is None or veiled:
        raise CannotPrepare(rejected(f"{source['kind']}: mediaURL is not {rule.words}"))
    return Fetched(found.content, kind, file_name(source.get("fileName"), source["url"], kind), found.validator)


def rejected(title: str) -> Rejected:
    # CleverTap counts a message's file among its parameters.
    return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, title)
