"""What the services in memory have in common: hooks around each call, counters, and botocore's errors."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, Concatenate

from botocore.exceptions import ClientError

type Before = Callable[[str, str, Mapping[str, Any]], None]
"""Called with the service, the operation (as `SendMessage`) and its parameters. It may raise: nothing is done then."""
type After = Callable[[str, str, Mapping[str, Any], Any], None]
"""Called with the same and the answer, or the `ClientError`. It may raise: the answer is lost, what was done stays."""


def _nothing(*_: Any) -> None:
    """The hooks as they are at first."""


class Refused(Exception):
    """Why a service refuses a call; `operation` makes botocore's error of it. `members` are those of the answer besides
    `Error`."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members


class Service:
    """A service of AWS. `clock`: seconds since 1970."""

    name: ClassVar[str]
    """As botocore calls it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.before: Before = _nothing
        self.after: After = _nothing
        self.calls: Counter[str] = Counter()
        """By operation."""


def operation[S: Service, **P, R](name: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[..., R]]:
    """A method of a client: called as botocore's, with the hooks before and after it. It may raise `Refused`."""

    def with_hooks(method: Callable[Concatenate[S, P], R]) -> Callable[..., R]:
        @wraps(method)
        def call(self: S, **parameters: Any) -> R:
            self.calls[name] += 1
            self.before(self.name, name, parameters)
            try:
                answer = method(self, **parameters)  # type: ignore[call-arg]
            except Refused as refused:
                error = client_error(name, refused.code, refused.message, status=refused.status, **refused.members)
                self.after(self.name, name, parameters, error)
                raise error from None
            self.after(self.name, name, parameters, answer)
            return answer

        return call

    return with_hooks


def client_error(operation_name: str, code: str, message: str, *, status: int = 400, **members: Any) -> ClientError:
    """As botocore raises it; `members` are those of the answer besides `Error`."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **members,
    }
    return ClientError(answer, operation_name)
