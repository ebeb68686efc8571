"""dispatch, the step "prepare" of one message: all that may be repeated. Nothing is claimed yet."""

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import Client, Outcome, Outgoing, Refused, Rejected


class Preparing:
    def __init__(self, *, http: HttpClient) -> None:
        self._http = http

    def ready(self, client: Client, job: Job) -> Outgoing | Outcome:
        account = job.account
        try:
            request = registry.outbound(account.provider_type).translate(job.message, job.reference, account)
        except Refused as refusal:
            # It was translated when it was accepted, so the account's settings have changed since.
            return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"{refusal.field}: {refusal.reason}")
        # Uploads may use up the invocation; keep time to send the message whose upload is done.
        with self._http.leaving_time_for_a_request():
            return client.prepare(Outgoing(job.reference, request))
