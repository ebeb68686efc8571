"""The sandbox of each provider type."""

from collections.abc import Mapping

from local.sandbox.bsp import BspSandbox
from local.sandbox.gupshup import GupshupSandbox
from local.sandbox.legacy_api import LegacySandbox
from local.sandbox.message_central import MessageCentralSandbox
from local.sandbox.meta import MetaSandbox
from local.sandbox.one_api import OneApiSandbox

SANDBOXES: Mapping[str, type[BspSandbox]] = {
    "clickatell": OneApiSandbox,
    "clickatell_legacy": LegacySandbox,
    "gupshup": GupshupSandbox,
    "message_central": MessageCentralSandbox,
    "meta": MetaSandbox,
}
