"""The version of this checkout, or of the installed package."""

import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"


def _version() -> str:
    # A checkout may lie beside an installed package of another version.
    if _PROJECT.is_file():
        return str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    return version("clevertap-whatsapp-bridge")


VERSION: Final = _version()
