"""The BSPs that the bridge supports, one line each. A module is imported only when it is first used."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.contract.adapter import SettingsModule
    from whatsapp_bridge.providers.contract.client import ClientFactory
    from whatsapp_bridge.providers.contract.inbound import Inbound
    from whatsapp_bridge.providers.contract.notices import Notices
    from whatsapp_bridge.providers.contract.outbound import Outbound
    from whatsapp_bridge.providers.contract.replies import Replies
    from whatsapp_bridge.providers.contract.templates import Templates, TemplatesFactory, TemplateStatusFactory

PROVIDERS = {
    "clickatell": "whatsapp_bridge.providers.clickatell",
    "clickatell_legacy": "whatsapp_bridge.providers.clickatell_legacy",
    "gupshup": "whatsapp_bridge.providers.gupshup",
    "message_central": "whatsapp_bridge.providers.message_central",
    "meta": "whatsapp_bridge.providers.meta",
}


@cache
def _module(provider: str, part: str) -> Any:
    if provider not in PROVIDERS:
        raise KeyError(f"{provider} is not in PROVIDERS of providers/registry.py")
    return import_module(f"{PROVIDERS[provider]}.{part}")


def settings(provider: str) -> "SettingsModule":
    """Raises KeyError for an unknown BSP, like all of these."""
    return cast("SettingsModule", _module(provider, "settings"))


def outbound(provider: str) -> "Outbound":
    return cast("Outbound", _module(provider, "outbound"))


def inbound(provider: str) -> "Inbound":
    return cast("Inbound", _module(provider, "inbound"))


def replies(provider: str) -> "Replies":
    return cast("Replies", _module(provider, "replies"))


def client(provider: str) -> "ClientFactory":
    return cast("ClientFactory", _module(provider, "client").Client)


WITH_TEMPLATES = frozenset({"gupshup", "meta"})
"""The BSPs that tell which templates they have."""


def templates(provider: str) -> "TemplatesFactory":
    return cast("TemplatesFactory", _module(provider, "templates").Templates)


def template_admin(provider: str) -> Any:
    """The adapter's `template_admin.Admin`: what it can do is in `Capabilities.templates`, and by which methods in
    `contract`."""
    return _module(provider, "template_admin").Admin


def templates_of(account: "Account[Any, Any]", http: "HttpClient", now: "Callable[[], float]") -> "Templates | None":
    """An account's templates: as its `template_source` has them, else as its BSP has; None if nobody tells."""
    source = account.template_source
    if source is not None:
        from whatsapp_bridge.providers.cloud_api.template_list import TemplateList

        url = f"{source.base_url}/{source.api_version}"
        return TemplateList(http, url, source.waba_id, source.access_token, now)
    if account.provider_type in WITH_TEMPLATES:
        return templates(account.provider_type)(account, http, now)
    return None


WITH_TEMPLATE_STATUS = frozenset({"message_central"})
"""The BSPs that have no list, and tell what became of a template that is known."""


def template_status(provider: str) -> "TemplateStatusFactory":
    return cast("TemplateStatusFactory", _module(provider, "template_status").TemplateStatus)


WITH_NOTICES = frozenset({"gupshup", "message_central", "meta"})
"""The BSPs whose callbacks may be news of templates and numbers."""


def notices(provider: str) -> "Notices":
    return cast("Notices", _module(provider, "notices"))


if TYPE_CHECKING:
    # Here the type checker compares each module of each adapter with the contract; nothing of it runs.
    from whatsapp_bridge.providers.clickatell import client as one_api_client
    from whatsapp_bridge.providers.clickatell import inbound as one_api_inbound
    from whatsapp_bridge.providers.clickatell import outbound as one_api_outbound
    from whatsapp_bridge.providers.clickatell import replies as one_api_replies
    from whatsapp_bridge.providers.clickatell import settings as one_api_settings
    from whatsapp_bridge.providers.clickatell_legacy import client as legacy_client
    from whatsapp_bridge.providers.clickatell_legacy import inbound as legacy_inbound
    from whatsapp_bridge.providers.clickatell_legacy import outbound as legacy_outbound
    from whatsapp_bridge.providers.clickatell_legacy import replies as legacy_replies
    from whatsapp_bridge.providers.clickatell_legacy import settings as legacy_settings
    from whatsapp_bridge.providers.contract.adapter import Adapter
    from whatsapp_bridge.providers.contract.template_admin import (
        ArchivesTemplates,
        DeletesTemplates,
        EditsTemplates,
        MakesTemplates,
        UnpausesTemplates,
    )
    from whatsapp_bridge.providers.gupshup import client as gupshup_client
    from whatsapp_bridge.providers.gupshup import inbound as gupshup_inbound
    from whatsapp_bridge.providers.gupshup import notices as gupshup_notices
    from whatsapp_bridge.providers.gupshup import outbound as gupshup_outbound
    from whatsapp_bridge.providers.gupshup import replies as gupshup_replies
    from whatsapp_bridge.providers.gupshup import settings as gupshup_settings
    from whatsapp_bridge.providers.gupshup import template_admin as gupshup_admin
    from whatsapp_bridge.providers.gupshup import templates as gupshup_templates
    from whatsapp_bridge.providers.message_central import client as central_client
    from whatsapp_bridge.providers.message_central import inbound as central_inbound
    from whatsapp_bridge.providers.message_central import notices as central_notices
    from whatsapp_bridge.providers.message_central import outbound as central_outbound
    from whatsapp_bridge.providers.message_central import replies as central_replies
    from whatsapp_bridge.providers.message_central import settings as central_settings
    from whatsapp_bridge.providers.message_central import template_admin as central_admin
    from whatsapp_bridge.providers.message_central import template_status as central_template_status
    from whatsapp_bridge.providers.meta import client as meta_client
    from whatsapp_bridge.providers.meta import inbound as meta_inbound
    from whatsapp_bridge.providers.meta import notices as meta_notices
    from whatsapp_bridge.providers.meta import outbound as meta_outbound
    from whatsapp_bridge.providers.meta import replies as meta_replies
    from whatsapp_bridge.providers.meta import settings as meta_settings
    from whatsapp_bridge.providers.meta import template_admin as meta_admin
    from whatsapp_bridge.providers.meta import templates as meta_templates

    _ADAPTERS = (
        Adapter(one_api_settings, one_api_outbound, one_api_inbound, one_api_replies, one_api_client.Client),
        Adapter(legacy_settings, legacy_outbound, legacy_inbound, legacy_replies, legacy_client.Client),
        Adapter(gupshup_settings, gupshup_outbound, gupshup_inbound, gupshup_replies, gupshup_client.Client),
        Adapter(central_settings, central_outbound, central_inbound, central_replies, central_client.Client),
        Adapter(meta_settings, meta_outbound, meta_inbound, meta_replies, meta_client.Client),
    )
    _TEMPLATES: tuple[TemplatesFactory, ...] = (gupshup_templates.Templates, meta_templates.Templates)
    _MAKERS: tuple[type[MakesTemplates], ...] = (gupshup_admin.Admin, central_admin.Admin, meta_admin.Admin)
    _EDITORS: tuple[type[EditsTemplates], ...] = (gupshup_admin.Admin, meta_admin.Admin)
    _DELETERS: tuple[type[DeletesTemplates], ...] = (meta_admin.Admin,)
    _UNPAUSERS: tuple[type[UnpausesTemplates], ...] = (meta_admin.Admin,)
    _ARCHIVERS: tuple[type[ArchivesTemplates], ...] = (meta_admin.Admin,)
    _TEMPLATE_STATUS: tuple[TemplateStatusFactory, ...] = (central_template_status.TemplateStatus,)
    _NOTICES: tuple[Notices, ...] = (gupshup_notices, central_notices, meta_notices)
