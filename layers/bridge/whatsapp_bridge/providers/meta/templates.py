"""The templates of the account's WhatsApp business account."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.cloud_api.template_list import TemplateList

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.meta.settings import Account


class Templates(TemplateList):
    def __init__(self, account: "Account", http: "HttpClient", now: Callable[[], float]) -> None:
        provider = account.provider
        url = f"{provider.base_url}/{provider.api_version}"
        super().__init__(http, url, provider.waba_id, provider.access_token, now)
