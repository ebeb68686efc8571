"""dispatch, the steps "claim" and "prepare" of one message."""

from collections.abc import Callable

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.records import Unprocessable
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import Client, Outcome, Outgoing, Refused, Rejected, Unknown
from whatsapp_bridge.runtime.observability import count, log_failure
from whatsapp_bridge.store.claims import Claim, Claims
from whatsapp_bridge.store.lasting import is_lasting

OUT_OF_TIME = Rejected(CallbackError.OTHER, "not accepted by the provider in time")


class Overtaken(Exception):
    """Another delivery of the same queue message is sending: this one comes back and finds the result."""


class Preparing:
    def __init__(self, *, claims: Claims, http: HttpClient) -> None:
        self._claims, self._http = claims, http

    def expired(self, job: Job) -> Outcome | None:
        """The outcome of a message whose time limit is over; None as in `ready`."""
        return self._claimed(job, lambda: OUT_OF_TIME)

    def ready(self, client: Client, job: Job) -> Outgoing | Outcome | None:
        """None if another delivery has the message, or it is settled already."""
        return self._claimed(job, lambda: self._prepared(client, job))

    def _claimed[R](self, job: Job, then: Callable[[], R]) -> R | Unknown | None:
        """Raises `Overtaken`."""
        match self._claim(job):
            case Claim.GRANTED:
                return then()
            case Claim.REPEAT:
                count("RepeatsDropped")
                return None
            case Claim.BUSY:
                raise Overtaken("by another delivery")
            case Claim.INTERRUPTED:
                return Unknown("interrupted while sending")

    def _claim(self, job: Job) -> Claim:
        name = job.account.name
        try:
            return self._claims.claim(name, job.reference, job.owner, job.recipient, job.grant, job.turn)
        except Exception as error:
            if not is_lasting(error):
                raise
            log_failure("message cannot be claimed", error, **job.names)
            raise Unprocessable(f"fails each time: {type(error).__name__}") from None

    def _prepared(self, client: Client, job: Job) -> Outgoing | Outcome:
        """All steps that may be repeated."""
        try:
            return self._translated(client, job)
        except Exception as error:
            if not is_lasting(error):
                raise
            # Nothing has left, and the person's next messages must not wait behind it.
            log_failure("message cannot be prepared", error, **job.names)
            return Rejected(CallbackError.OTHER, f"cannot be prepared: {type(error).__name__}")

    def _translated(self, client: Client, job: Job) -> Outgoing | Outcome:
        account = job.account
        try:
            request = registry.outbound(account.provider_type).translate(job.message, job.reference, account)
        except Refused as refusal:
            # It was translated when it was accepted, so the account's settings have changed since.
            return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"{refusal.field}: {refusal.reason}")
        # Uploads may use up the invocation; keep time to send the message whose upload is done.
        with self._http.leaving_time_for_a_request():
            return client.prepare(Outgoing(job.reference, request))
