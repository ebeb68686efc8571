"""The sandbox of each provider type."""

from collections.abc import Mapping

from local.sandbox.bsp import BspSandbox
from local.sandbox.legacy_api import LegacySandbox
from local.sandbox.one_api import OneApiSandbox

SANDBOXES: Mapping[str, type[BspSandbox]] = {
    "clickatell": OneApiSandbox,
    "clickatell_legacy": LegacySandbox,
}
