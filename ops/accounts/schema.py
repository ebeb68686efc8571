"""The JSON Schema of accounts (`ops.schemas` writes it)."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.providers import registry


class _Written(GenerateJsonSchema):
    """As people may write it: what the models' own validators turn into what a field holds."""

    def function_before_schema(self, schema: Any) -> dict[str, Any]:
        held = super().function_before_schema(schema)
        match held.get("type"):
            case "array":
                # `fields.one_or_several`
                return {"anyOf": [held["items"], held]}
            case "string":
                # A country's calling code.
                return {"anyOf": [held, {"type": "integer"}]}
        return held


def schema() -> dict[str, Any]:
    """One account of any BSP."""
    kinds = sorted(registry.PROVIDERS)
    models = {kind: _of(registry.settings(kind)) for kind in kinds}
    parts = {kind: model.pop("$defs") for kind, model in models.items()}
    definitions: dict[str, Any] = {}
    for kind in kinds:
        own = {
            name
            for name in parts[kind]
            if any(name in each and each[name] != parts[kind][name] for each in parts.values())
        }
        definitions |= {_name(kind, name, own): _renamed(part, kind, own) for name, part in parts[kind].items()}
        definitions[kind] = _renamed(models[kind], kind, own)
    of_type = {"type": "object", "properties": {"type": {"enum": kinds}}, "required": ["type"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An account of the bridge: its secret in Secrets Manager",
        "$defs": definitions,
        "type": "object",
        "properties": {"provider": of_type},
        "required": ["provider"],
        # Not `anyOf`, with which an editor says no more than that none of them fits.
        "allOf": [_if_type(kind) for kind in kinds],
    }


def _if_type(kind: str) -> dict[str, Any]:
    is_kind = {"properties": {"provider": {"properties": {"type": {"const": kind}}, "required": ["type"]}}}
    return {"if": is_kind | {"required": ["provider"]}, "then": {"$ref": f"#/$defs/{kind}"}}


def _of(adapter: Any) -> dict[str, Any]:
    # Any, because the type checker knows no model that is made from the registry.
    model: Any = Account[adapter.Settings, adapter.Options]
    made: dict[str, Any] = _without_titles(
        model.model_json_schema(ref_template="#/$defs/{model}", schema_generator=_Written)
    )
    # The secret's name says it, not the secret; and without options all have their defaults.
    del made["properties"]["name"]
    made["required"] = [name for name in made["required"] if name not in ("name", "options")]
    made.pop("description", None)
    return made


def _without_titles(part: Any) -> Any:
    """pydantic's titles are the names once more."""
    match part:
        case dict():
            return {n: _without_titles(m) for n, m in part.items() if not (n == "title" and isinstance(m, str))}
        case list():
            return [_without_titles(element) for element in part]
    return part


def _name(kind: str, name: str, own: set[str]) -> str:
    """BSPs may have different models of one name: these are `own`."""
    return f"{kind}.{name}" if name in own else name


def _renamed(part: Any, kind: str, own: set[str]) -> Any:
    match part:
        case {"$ref": str(ref)}:
            return part | {"$ref": f"#/$defs/{_name(kind, ref.removeprefix('#/$defs/'), own)}"}
        case dict():
            return {name: _renamed(member, kind, own) for name, member in part.items()}
        case list():
            return [_renamed(element, kind, own) for element in part]
    return part
