"""The JSON Schema of templates' files (`ops.schemas` writes it)."""

from typing import Any

from ops.templates.form import Draft


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
