"""The last steps of `make build`: removes unused files from the layer, compiles the rest, tests and measures it.

Usage: python -m local.layer .aws-sam/build/BridgeLayer
"""

import argparse
import ast
import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from local import LAYER, ROOT

MEGABYTE = 1024 * 1024
MOST = 50 * MEGABYTE
"""Lambda allows 250 MB, but a larger layer slows the cold start, and few megabytes are really needed."""

SOURCES = [*LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
"""The files of this repository that Lambda runs."""

_FACTORY = "whatsapp_bridge.store.aws"
_HANDED_ON = "aws"
"""The attribute that passes that module's `client` to other modules; its calls are read like calls of `client`."""
_MAKE_CLIENTS = """
import sys
sys.path.insert(0, sys.argv[1])
from whatsapp_bridge.store.aws import client
for service in sys.argv[2:]:
    client(service)
"""


class Unfit(Exception):
    """The layer must not be deployed like this; the text says what to do."""


# --- which services are used -----------------------------------------------------------------------------------------


def services(sources: Iterable[Path]) -> set[str]:
    """The AWS services for which the sources make clients. Raises `Unfit` if the sources do not show that."""
    found = {service for source in sources for service in _services_of(source)}
    if not found:
        raise Unfit(f"no call of {_FACTORY}.client is found. Name the module that makes clients in local/layer.py.")
    return found


def _services_of(source: Path) -> Iterator[str]:
    tree = ast.parse(source.read_bytes(), str(source))
    for node in ast.walk(tree):
        if _imports_botocores_own(node) and not _is_factory(source):
            raise _unreadable(source, node, f"make clients with {_FACTORY}.client")
    factories = set(_factories(tree))
    seen = {id(value) for value in _handed_on(tree)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        # partial(client, "s3") is a later call.
        made, *arguments = call.args if ast.unparse(call.func) == "partial" and call.args else [call.func, *call.args]
        if not _makes_client(made, factories):
            continue
        seen.add(id(made))
        match arguments:
            case [ast.Constant(str(service)), *_]:
                yield service
            case _:
                raise _unreadable(source, call, "write the service's name as a text, as the first argument")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _makes_client(node, factories) and id(node) not in seen:
            raise _unreadable(source, node, f"call it where it is named, or hand it on under the name {_HANDED_ON}")


def _makes_client(node: ast.expr, factories: set[str]) -> bool:
    name = ast.unparse(node)
    # The module's name is aws too.
    return name in factories or (isinstance(node, ast.Attribute) and node.attr == _HANDED_ON and name != _FACTORY)


def _handed_on(tree: ast.Module) -> Iterator[ast.expr]:
    """The values of fields and arguments named as other modules call the function that makes clients."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == _HANDED_ON:
                yield value
            case ast.keyword(arg=name, value=value) if name == _HANDED_ON:
                yield value


def _factories(tree: ast.Module) -> Iterator[str]:
    """The names of the function that makes clients in a module."""
    package, _, module = _FACTORY.rpartition(".")
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=where, names=names) if where == _FACTORY:
                yield from (alias.asname or alias.name for alias in names if alias.name == "client")
            case ast.ImportFrom(module=where, names=names) if where == package:
                yield from (f"{alias.asname or alias.name}.client" for alias in names if alias.name == module)
            case ast.Import(names=names):
                yield from (f"{alias.asname or alias.name}.client" for alias in names if alias.name == _FACTORY)


def _imports_botocores_own(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            imported = [module, *(f"{module}.{alias.name}" for alias in names)]
        case ast.Import(names=names):
            imported = [alias.name for alias in names]
        case _:
            return False
    return any(name.split(".")[0] == "boto3" or f"{name}.".startswith("botocore.session.") for name in imported)


def _is_factory(source: Path) -> bool:
    return ".".join(source.with_suffix("").parts).endswith(_FACTORY)


def _unreadable(source: Path, node: ast.AST, advice: str) -> Unfit:
    line = getattr(node, "lineno", 0)
    return Unfit(f"{source}:{line}: cannot see which AWS service this uses, so its data may be missing: {advice}.")


# --- the steps -------------------------------------------------------------------------------------------------------


def prune(layer: Path, keep: set[str]) -> None:
    """Remove botocore's data of all services except these. Raises `Unfit` for one that botocore does not have."""
    data = layer / "python" / "botocore" / "data"
    folders = {folder.name: folder for folder in data.iterdir() if folder.is_dir()}
    if missing := keep - set(folders):
        raise Unfit(f"botocore has no service {', '.join(sorted(missing))}. Correct the name in the call.")
    for name in set(folders) - keep:
        shutil.rmtree(folders[name])


def compile_sources(layer: Path) -> None:
    """Lambda cannot write bytecode next to the layer's sources: without it, every cold start would compile them all."""
    done = compileall.compile_dir(
        layer / "python",
        maxlevels=sys.maxsize,
        quiet=1,
        workers=0,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        stripdir=layer,
        prependdir="/opt",
    )
    if not done:
        raise Unfit("a module of the layer does not compile, see above. Correct it, or pin another version of it.")


def make_clients(layer: Path, names: set[str]) -> None:
    """Make a client of each service with the code in the layer; nothing else can be imported."""
    command = [sys.executable, "-I", "-S", "-B", "-c", _MAKE_CLIENTS, str(layer / "python"), *sorted(names)]
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Unfit(f"{done.stderr}\nthe layer cannot make its AWS clients. See what local/layer.py removes from it.")


def size(folder: Path) -> int:
    """Bytes as Lambda counts them: unzipped."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def weigh(layer: Path, most: int = MOST) -> str:
    """The size as text. Raises `Unfit` if it is more than `most`."""
    total = size(layer)
    if total <= most:
        return f"{_megabytes(total)} unzipped, of {_megabytes(most)}"
    parts = {path.name: size(path) if path.is_dir() else path.stat().st_size for path in (layer / "python").iterdir()}
    largest = sorted(parts, key=lambda name: parts[name], reverse=True)[:8]
    raise Unfit(
        f"the layer is {_megabytes(total)} unzipped, and {_megabytes(most)} is the most. "
        "Take a package out of requirements/layer.in, or its unused files out of the layer (local/layer.py). "
        f"The largest: {', '.join(f'{name} {_megabytes(parts[name])}' for name in largest)}."
    )


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.layer")
    parser.add_argument("layer", type=Path, help="the layer's folder of a build")
    layer = parser.parse_args().layer
    try:
        used = services(SOURCES)
        prune(layer, used)
        compile_sources(layer)
        make_clients(layer, used)
        print(f"== layer: {weigh(layer)}")
    except Unfit as error:
        sys.exit(f"{layer}: {error}")


if __name__ == "__main__":
    main()
