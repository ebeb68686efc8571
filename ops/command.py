"""What commands have in common: the options that say which stack, and how their answers look."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from ops.output import AsJson, Screen
from ops.target import Local, Profile, Region, Stack, Target, chosen, working

AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ShowPrivate = Annotated[
    bool, typer.Option("--show-private", help="Show secrets, numbers and texts, which are masked otherwise.")
]


def sharing(shared: Callable[..., AbstractContextManager[tuple[Any, ...]]]) -> Callable[..., Callable[..., None]]:
    """A decorator of commands: `work` gets what `shared` gives as its first parameters, and the command has the
    arguments and options of both, in one order: arguments of `shared`, all of `work`, options of `shared`. Of several
    on one command, the upper one gives first."""
    common = list(signature(shared).parameters.values())
    arguments = [each for each in common if each.default is Parameter.empty]
    options = [each for each in common if each.default is not Parameter.empty]

    def decorate(work: Callable[..., None]) -> Callable[..., None]:
        taken = list(signature(work).parameters.values())
        own = [each for each in taken if each.name not in _GIVEN]

        @wraps(work)
        def run(*before: Any, **given: Any) -> None:
            of_shared = {each.name: given.pop(each.name) for each in common}
            with shared(**of_shared) as gifts:
                work(*before, *gifts, **given)

        # Typer reads both.
        parameters = [*arguments, *own, *options]
        vars(run)["__signature__"] = Signature(parameters)
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


_GIVEN = frozenset({"screen", "opened", "open_target", "choice"})
"""The names of the parameters that `sharing` fills."""

type OpenTarget = Callable[[], Target]
"""Gives the stack. Raises `Failed`."""


@contextmanager
def _command(
    stack: Stack = None,
    local: Local = False,
    profile: Profile = None,
    region: Region = None,
    as_json: AsJson = False,
) -> Iterator[tuple[Screen, OpenTarget]]:
    with working(as_json) as screen:
        yield screen, lambda: chosen(stack, local, profile, region)


on_stack = sharing(_command)
"""A command on one stack: `work` gets a `Screen` (`screen`) and an `OpenTarget` (`open_target`)."""
