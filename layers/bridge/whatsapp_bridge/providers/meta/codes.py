"""Meta's statuses and errors are those of `cloud_api`."""

from whatsapp_bridge.providers.cloud_api.codes import ERRORS as ERRORS
from whatsapp_bridge.providers.cloud_api.codes import STATUSES as STATUSES
from whatsapp_bridge.providers.cloud_api.codes import ErrorRow as ErrorRow
from whatsapp_bridge.providers.cloud_api.codes import error_of as error_of
