"""`python -m ops.templates.schema`: writes the JSON Schema by which editors complete and check templates' files."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from ops.templates.form import Draft

FILE: Final = Path(__file__).parent.parent / "template.schema.json"


def schema() -> dict[str, Any]:
    """One template, or a list of them."""
    of_one = Draft.model_json_schema(ref_template="#/$defs/{model}")
    definitions = of_one.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "WhatsApp templates, in Meta's words",
        "$defs": definitions | {"Draft": of_one},
        "anyOf": [{"$ref": "#/$defs/Draft"}, {"type": "array", "items": {"$ref": "#/$defs/Draft"}}],
    }


def written() -> str:
    return json.dumps(schema(), indent=2) + "\n"


def main() -> int:
    FILE.write_text(written(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
