"""An account: one CleverTap provider entry, one WhatsApp number, one secret."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, field_validator

from whatsapp_bridge.accounts.fields import (
    BaseUrl,
    BspKey,
    Config,
    GraphVersion,
    Key,
    MetaId,
    Network,
    Secret,
    Url,
    chosen,
    form,
    is_in,
    matching,
    one_or_several,
)
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.accounts.phone_numbers import same
from whatsapp_bridge.runtime.constant_time import is_one_of, is_same
from whatsapp_bridge.runtime.hosts import is_loopback

NAME_PATTERN = r"[a-z0-9-]{1,40}"


class AccountInvalid(Exception):
    """An account's secret does not match the schema. The text names the field and never contains a value."""

    def __init__(self, account: str, field: str, reason: str) -> None:
        super().__init__(f"account {account}: {field}: {reason}")
        self.account, self.field, self.reason = account, field, reason


# As NIST asks of a password that is the only proof: https://pages.nist.gov/800-63-4/sp800-63b.html, section 3.1.1.2.
type _Proof = Annotated[str, chosen(15)]


class BasicCredentials(Config):
    type: Literal["basic"]
    username: Secret
    password: _Proof


class HeaderCredentials(Config):
    type: Literal["header"]
    name: Key
    value: _Proof


class CleverTap(Config):
    authorization: Annotated[
        list[Annotated[BasicCredentials | HeaderCredentials, Field(discriminator="type")]], Field(min_length=1)
    ]
    """All entries are valid at the same time, so that credentials can be rotated without a gap."""
    status_url: Url
    incoming_url: Url

    def accepts(self, headers: Mapping[str, str]) -> bool:
        """Whether these request headers (names in lower case) have one of the credentials."""
        # Compare every entry, so that the time does not show which one nearly matched.
        return sum(_carries(headers, credentials) for credentials in self.authorization) > 0


def _calling_code(country: Any) -> str:
    # Imported here because most accounts have no default country, and functions that receive callbacks no other use.
    from whatsapp_bridge.accounts.countries import code_of

    named = isinstance(country, str | int) and not isinstance(country, bool)
    code = code_of(str(country)) if named else None
    if code is None:
        raise ValueError("must be a country's calling code (27) or its ISO code of two letters (ZA)")
    return code


class Options(Config):
    """Options of every account; an adapter's `settings.Options` adds its own."""

    conversation_time_limit_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    """How long after it was accepted a freeform message may be sent."""
    campaign_time_limit_seconds: Annotated[int, Field(ge=1, le=345_600)] = 21_600
    """The same for a template message."""
    default_country: Annotated[str, BeforeValidator(_calling_code)] | None = None
    """The calling code for people's numbers that come without one. The secret may have the country's ISO code."""
    send_template_validations: bool = False
    """Send the message with which CleverTap validates a saved template: to a number that may be somebody's."""
    document_copy: bool = False
    """Report a file to CleverTap in both `file` and `document`: its table has only `file`, its sample both."""
    template_checks: Literal["on", "off"] = "on"
    """Whether a template message is compared with what is known of its template."""
    unknown_templates: Literal["pass", "refuse"] = "pass"
    """What becomes of a message whose template a complete list of the BSP's does not have."""
    media_samples: dict[Literal["image", "video", "document"], Url] = Field(default={})
    """Addresses of files for CleverTap's import, for templates whose listing has no sample of their header."""
    source_networks: list[Network] = Field(default=[])
    """The networks that the BSP's callbacks may come from. Empty: any; then only the token is checked."""

    @property
    def in_batches(self) -> bool:
        """Whether one request may hold several messages, if the BSP supports that."""
        return True


class ProviderSettings(Config):
    """The `provider` object of every account; an adapter's `settings.Settings` adds its own."""

    type: str
    base_url: BaseUrl

    @property
    def whatsapp_account(self) -> str | None:
        """The id of the WhatsApp business account, whose numbers share its templates; None if nobody says it."""
        return None

    def sends_text_of(self, template: str) -> bool:
        """Whether the BSP gets this template's rendered text, which must then be the approved one."""
        return False

    def with_template_id(self, name: str, template_id: str) -> Self:
        """The settings for a message of this template, if the BSP's id of it is known; the account's own comes
        first."""
        return self


class TemplateSource(Config):
    """Where else to ask for the templates of an account whose owner has the WhatsApp business account: Meta, with a
    token that may manage it."""

    type: Literal["meta"]
    waba_id: MetaId
    access_token: BspKey
    api_version: GraphVersion
    base_url: BaseUrl = "https://graph.facebook.com"


_token = matching(r"[A-Za-z0-9_.~-]{32,}", "must be 32 or more of A-Z a-z 0-9 _ . ~ -")

# Covariant: code for any account accepts each BSP's, because accounts are read-only.
P_co = TypeVar("P_co", bound=ProviderSettings, covariant=True, default=ProviderSettings)
O_co = TypeVar("O_co", bound=Options, covariant=True, default=Options)


class Account(Config, Generic[P_co, O_co]):
    """`provider` and `options` have the BSP's types; each adapter names its own account type (`settings.Account`)."""

    name: Annotated[str, form(NAME_PATTERN, "must be 1 to 40 of a-z 0-9 -")]
    waba_number: str
    clevertap: CleverTap
    callback_tokens: Annotated[
        list[Annotated[str, AfterValidator(_token)]],
        one_or_several(_token),
        Field(alias="callback_token", min_length=1),
    ]
    """One, or several while the token is rotated. Any of them lets callbacks in, and does nothing else."""
    provider: P_co
    options: O_co
    template_source: TemplateSource | None = None
    _keys: AccountKeys | None = PrivateAttr(default=None)

    @property
    def keys(self) -> AccountKeys:
        """Not from the account's secret, but from the stack's, which not every function may read."""
        if self._keys is None:
            raise RuntimeError("this function does not read the stack's signing key")
        return self._keys

    def with_keys(self, keys: AccountKeys) -> Self:
        known = self.model_copy()
        known._keys = keys
        return known

    @field_validator("waba_number")
    @classmethod
    def _digits(cls, value: str) -> str:
        digits = value.removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
            raise ValueError("must be the number in international form, 7 to 15 digits")
        return digits

    @property
    def provider_type(self) -> str:
        return self.provider.type

    @property
    def template_scope(self) -> str:
        """Under which its templates are known: of a WhatsApp business account, which others may share, or its own."""
        source = self.template_source
        shared = source.waba_id if source is not None else self.provider.whatsapp_account
        return f"account:{self.name}" if shared is None else f"waba:{shared}"

    def with_template_id(self, name: str, template_id: str) -> Self:
        """The account for a message of a template that is known by this id."""
        if self.template_source is not None:
            # It is an id of the source's.
            return self
        provider = self.provider.with_template_id(name, template_id)
        return self if provider is self.provider else self.model_copy(update={"provider": provider})

    @property
    def on_one_machine(self) -> bool:
        """Whether the BSP is on this machine: then the stack is local, and files may be on this machine too."""
        return is_loopback(urlsplit(self.provider.base_url).hostname)

    def has_number(self, number: str) -> bool:
        """Whether `number` (digits) is this account's; CleverTap also sends it without the country code."""
        return same(number, self.waba_number) or (len(number) >= 7 and self.waba_number.endswith(number))

    def token_matches(self, token: str) -> bool:
        return is_one_of(token, self.callback_tokens)

    def is_first_token(self, token: str) -> bool:
        return is_same(token, self.callback_tokens[0])

    def admits(self, source: str) -> bool:
        """Whether the BSP's callbacks may come from this IP address."""
        networks = self.options.source_networks
        return not networks or is_in(networks, source)


def _carries(headers: Mapping[str, str], credentials: BasicCredentials | HeaderCredentials) -> bool:
    if isinstance(credentials, HeaderCredentials):
        return is_same(headers.get(credentials.name.lower(), ""), credentials.value)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    expected = b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    return is_same(given.strip(), expected) and scheme.lower() == "basic"
