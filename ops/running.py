"""The local stacks that run on this machine: each keeps a file with its addresses while it runs."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Running(NamedTuple):
    """`aws`: the endpoint of its services; `queues`: their URLs by their names in template.yaml; `signing_key`: the
    name of its secret. No secret is in it."""

    url: str
    aws: str
    region: str
    secret_prefix: str
    messages_table: str
    bucket: str
    queues: dict[str, str]
    signing_key: str


def folder() -> Path:
    """The user's own, where no other user's files can be taken for stacks."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"whatsapp-bridge-{os.getuid()}"


@contextmanager
def announced(running: Running) -> Iterator[None]:
    """Lets `bridge --local` find the stack of this process."""
    place = folder()
    place.mkdir(mode=0o700, exist_ok=True)
    file = place / f"{os.getpid()}.json"
    file.write_text(json.dumps(running._asdict()), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def found() -> list[Running]:
    """Those whose process lives, the newest last."""
    place = folder()
    if not place.is_dir() or place.stat().st_uid != os.getuid():
        return []
    files = sorted(place.glob("*.json"), key=lambda file: file.stat().st_mtime)
    return [stack for file in files if _lives(file.stem) and (stack := _read(file)) is not None]


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _read(file: Path) -> Running | None:
    try:
        return Running(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
