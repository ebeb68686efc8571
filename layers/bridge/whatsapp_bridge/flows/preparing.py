"""dispatch, the step "prepare" of one message: all that may be repeated. Nothing is claimed yet."""

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.known_templates import Compared
from whatsapp_bridge.flows.template_questions import TemplateQuestions, Wait
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.contract.client import Client
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Outgoing, Rejected
from whatsapp_bridge.runtime.observability import log_failure
from whatsapp_bridge.store.lasting import is_lasting


class Preparing:
    def __init__(self, *, http: HttpClient, templates: TemplateQuestions) -> None:
        self._http, self._templates = http, templates

    def ready(self, client: Client, job: Job) -> Outgoing | Outcome:
        try:
            return self._translated(client, job)
        except Exception as error:
            # A template keeps nobody waiting, and may be sent when the fault is mended.
            if job.is_template or not is_lasting(error):
                raise
            log_failure("message cannot be prepared", error, **job.names)
            return Rejected(CallbackError.OTHER, f"cannot be prepared: {type(error).__name__}")

    def _translated(self, client: Client, job: Job) -> Outgoing | Outcome:
        account, compared = job.account, Compared(job.message)
        try:
            if isinstance(job.message, TemplateMessage):
                # A template may be paused while its messages wait on the queue.
                with self._http.leaving_time_for_a_request():
                    found = self._templates.compared(account, job.message)
                if isinstance(found, Wait):
                    return NotSent("another invocation asks for its template", no_time=True)
                compared = found
            request = compared.translated(job.reference, account)
        except Refused as refusal:
            # It was translated when it was accepted, so its template or the account's settings have changed since.
            return Rejected(refusal.later, f"{refusal.field}: {refusal.reason}")
        # Uploads may use up the invocation; keep time to send the message whose upload is done.
        with self._http.leaving_time_for_a_request():
            return client.prepare(Outgoing(job.reference, request, job.refused_with))
