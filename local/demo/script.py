"""The whole demo in order: the parts of all BSPs, then a check of what is left."""

from collections.abc import Callable

import requests

from local.demo import clickatell, clickatell_legacy, gupshup, message_central, meta, templates
from local.demo.conversation import Conversation, Step, StepFailed
from local.stack import Stack

PARTS: tuple[Callable[[Conversation], list[Step]], ...] = (
    clickatell.steps,
    clickatell_legacy.steps,
    gupshup.steps,
    message_central.steps,
    meta.steps,
    templates.steps,
)


def play(stack: Stack, day: str) -> list[str]:
    """Play and print every step; returns the failures. `day` is for the msgIds: YYYYMMDD."""
    conversation = Conversation(stack, day)
    steps = [step for part in PARTS for step in part(conversation)]
    failures = []
    for title, step in [*steps, ("In the end", conversation.conclude)]:
        print(f"\n{title}", flush=True)
        try:
            step()
        except (StepFailed, requests.RequestException) as error:
            print(f"  FAILED: {error}", flush=True)
            failures.append(f"{title}: {error}")
    return failures
