"""Time, ids, threads and connections of the simulation, in the place of the real ones.

The deployed code runs unchanged: what it looks up in its modules (`time`, `uuid4`, `Lock`, a pool of threads, a session
of `requests`) is what the simulation has put there for the length of a run.
"""

import importlib
import os
import pkgutil
import sys
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from random import Random
from typing import Any
from unittest.mock import patch

from local.simulation.internet import Internet, Session
from local.simulation.scheduler import Lock, Pool, Scheduler, TaskLocal, wait_for

_PACKAGES = ("whatsapp_bridge", "local.sandbox")


@cache
def _import_all() -> None:
    """The flows import late what they need; what is imported in a run would keep the run's time and ids for good."""
    import whatsapp_bridge

    for module in pkgutil.walk_packages(whatsapp_bridge.__path__, "whatsapp_bridge."):
        importlib.import_module(module.name)
    # Else there is no garbage collection from here on.
    importlib.import_module("whatsapp_bridge.startup").done()


class _Server:
    """In the place of a sandbox's server: it has an address, and nobody listens."""

    made = 0

    def __init__(self, handler: Any, port: int = 0) -> None:
        _Server.made += 1
        self.url = f"https://sandbox-{_Server.made}.example"

    def start(self) -> None:
        """Nobody listens."""

    stop = start


@contextmanager
def substituted(scheduler: Scheduler, random: Random, internet: Internet) -> Iterator[None]:
    """For the length of a run."""
    _import_all()
    import local.sandbox.base
    import whatsapp_bridge.net.connections as connections
    from whatsapp_bridge.providers.clickatell_common import encryption

    def new_uuid() -> uuid.UUID:
        return uuid.UUID(int=random.getrandbits(128), version=4)

    class SimulatedLock(Lock):
        pass

    class SimulatedPool(Pool):
        pass

    SimulatedLock.scheduler = SimulatedPool.scheduler = scheduler
    _Server.made = 0
    now, entropy = scheduler.time, random.randbytes
    with patch.object(encryption, "Lock", SimulatedLock):
        data_keys = encryption.DataKeys(now)
    functions: list[tuple[Any, Any]] = [
        (encryption.SHARED, data_keys),
        (time.time, now),
        (time.monotonic, now),
        (uuid.uuid4, new_uuid),
        (os.urandom, entropy),
        (threading.Lock, SimulatedLock),
        (threading.local, partial(TaskLocal, scheduler)),
        (time.sleep, scheduler.sleep),
        (wait, wait_for),
        (ThreadPoolExecutor, SimulatedPool),
    ]
    modules = {
        time: types.SimpleNamespace(time=now, monotonic=now, sleep=scheduler.sleep),
        uuid: types.SimpleNamespace(uuid4=new_uuid, UUID=uuid.UUID),
    }

    def replacement(value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return modules.get(value)
        return next((new for old, new in functions if value is old), None)

    with ExitStack() as stack:
        stack.enter_context(patch.object(local.sandbox.base, "LoopbackServer", _Server))
        stack.enter_context(patch.object(connections, "new_session", lambda: Session(internet)))
        stack.enter_context(patch.object(connections, "new_public_session", lambda **_: Session(internet)))
        for module in [module for name, module in sys.modules.items() if name.startswith(_PACKAGES)]:
            for name, value in list(vars(module).items()):
                if (new := replacement(value)) is not None:
                    stack.enter_context(patch.object(module, name, new))
                for function in _functions_of(module, value):
                    _substitute_defaults(stack, function, replacement)
        import whatsapp_bridge.flows.parallel as parallel

        parallel._pool.cache_clear()
        stack.callback(parallel._pool.cache_clear)
        yield


def _functions_of(module: types.ModuleType, value: Any) -> list[types.FunctionType]:
    if getattr(value, "__module__", None) != module.__name__:
        return []
    if isinstance(value, types.FunctionType):
        return [value]
    return (
        [each for each in vars(value).values() if isinstance(each, types.FunctionType)]
        if isinstance(value, type)
        else []
    )


def _substitute_defaults(stack: ExitStack, function: types.FunctionType, replacement: Callable[[Any], Any]) -> None:
    """A parameter's default was looked up when the module was imported."""
    given, named = function.__defaults__, function.__kwdefaults__
    if given and any(replacement(value) is not None for value in given):
        function.__defaults__ = tuple(replacement(value) or value for value in given)
        stack.callback(setattr, function, "__defaults__", given)
    if named and any(replacement(value) is not None for value in named.values()):
        function.__kwdefaults__ = {name: replacement(value) or value for name, value in named.items()}
        stack.callback(setattr, function, "__kwdefaults__", named)
