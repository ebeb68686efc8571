"""`python -m ops.schemas`: writes the JSON Schemas by which editors complete and check files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ops.accounts.schema import schema as of_accounts
from ops.templates.schema import schema as of_templates

FOLDER: Final = Path(__file__).parent
SCHEMAS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "account.schema.json": of_accounts,
    "template.schema.json": of_templates,
}
"""By their files in this folder."""


def written(name: str) -> str:
    return json.dumps(SCHEMAS[name](), indent=2) + "\n"


def main() -> int:
    for name in SCHEMAS:
        (FOLDER / name).write_text(written(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
