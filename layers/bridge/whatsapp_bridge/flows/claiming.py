"""dispatch, the step "claim": which delivery sends a message, or settles it without a request.

One write is the claim and says that the request leaves now. Whoever dies behind it has perhaps sent the message, so it
is the last step before the request.
"""

from collections.abc import Sequence
from typing import Literal

from whatsapp_bridge.flows import taps
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.recording import Recording
from whatsapp_bridge.flows.records import Unprocessable
from whatsapp_bridge.providers.contract.outcomes import Outcome, Unknown
from whatsapp_bridge.runtime.observability import count, log_failure
from whatsapp_bridge.store.claims import Claim, Claims
from whatsapp_bridge.store.lasting import is_lasting

type Claimed = Literal[Claim.GRANTED] | Unknown | Exception | None
"""Else why this delivery does not go on: the message is unknown; our exception; another delivery has it, or it is
settled already (None)."""


class Overtaken(Exception):
    """Another delivery of the same queue message is sending: this one comes back and finds the result."""


class Claiming:
    def __init__(self, *, claims: Claims, recording: Recording) -> None:
        self._claims, self._recording = claims, recording

    def to_send(self, jobs: Sequence[Job]) -> list[Claimed]:
        """Those that are granted must leave now, or be settled; those that failed must be withdrawn."""
        return [_read(claim) for claim in each(lambda job: self._claim(job, sending=True), jobs)]

    def withdraw(self, jobs: Sequence[Job]) -> None:
        """A claim may be written though its answer is lost. It would look like a request that may have left."""
        withdrawn = self._recording.each(
            lambda job: self._claims.withdraw(
                job.account.name, job.reference, job.grant, job.tried("o", reason="the claim was not answered")
            ),
            jobs,
        )
        for job, error in zip(jobs, withdrawn, strict=True):
            if error is not None:
                log_failure("claim not withdrawn", error, account=job.account.name, msgId=job.reference)

    def to_settle(self, outcomes: Sequence[tuple[Job, Outcome]]) -> list[Outcome | Exception | None]:
        """The outcomes, which no request has led to, of the messages that may be settled."""
        claims = each(lambda of: self._claim(of[0], sending=False), outcomes)
        claimed = [_read(claim) for claim in claims]
        return [
            outcome if claim is Claim.GRANTED else claim for (_, outcome), claim in zip(outcomes, claimed, strict=True)
        ]

    def _claim(self, job: Job, *, sending: bool) -> Claim:
        name, payloads = job.account.name, taps.payloads_to_keep(job.account, job.message) if sending else None
        try:
            return self._claims.claim(
                name,
                job.reference,
                job.owner,
                job.recipient,
                job.grant,
                job.turn,
                sending=sending,
                payloads=payloads,
                begun=job.begun,
            )
        except Exception as error:
            if not is_lasting(error):
                raise
            log_failure("message cannot be claimed", error, **job.names)
            raise Unprocessable(f"fails each time: {type(error).__name__}") from None


def _read(claim: Claim | Exception) -> Claimed:
    match claim:
        case Claim.REPEAT:
            count("RepeatsDropped")
            return None
        case Claim.BUSY:
            return Overtaken("by another delivery")
        case Claim.INTERRUPTED:
            return Unknown("interrupted while sending")
        case _:
            return claim
