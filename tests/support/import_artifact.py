"""Run alone (`python -I -S`), so that the standard library and the built folders are all there is to import from.

Arguments: the layer's `python` folder and a function's folder. Imports the handler, and every name that any module of
the package or the handler imports anywhere, also inside functions. Prints what it found as JSON.
"""

import ast
import importlib.util
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "whatsapp_bridge"


def imported_names(source: Path, package: str) -> Iterator[tuple[str, str]]:
    """Module and attribute ('' for the module itself) of each import statement, wherever it stands."""
    for node in ast.walk(ast.parse(source.read_bytes())):
        match node:
            case ast.Import(names):
                yield from ((alias.name, "") for alias in names)
            case ast.ImportFrom(module, names, level):
                base = importlib.util.resolve_name("." * level + (module or ""), package)
                yield from ((base, alias.name) for alias in names)


def follow(module: str, attribute: str) -> None:
    found = importlib.import_module(module)
    if attribute and not hasattr(found, attribute):
        importlib.import_module(f"{module}.{attribute}")


def main(layer: str, function: str) -> None:
    sys.path[:0] = [function, layer]
    handler = importlib.import_module("app").handler
    package = importlib.import_module(PACKAGE)
    sources = [(Path(function, "app.py"), "")]
    for found in pkgutil.walk_packages(package.__path__, PACKAGE + "."):
        module = importlib.import_module(found.name)
        sources.append((Path(str(module.__file__)), str(module.__package__)))
    for source, name in sources:
        for module_name, attribute in imported_names(source, name):
            follow(module_name, attribute)
    print(json.dumps({"callable": callable(handler), "app": sys.modules["app"].__file__, "package": package.__file__}))


main(*sys.argv[1:])
