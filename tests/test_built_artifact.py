"""What `make build` makes is what Lambda runs: it must hold everything that the handlers import, as pinned."""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from local.aws import CREDENTIALS, LocalAws
from local.layer import MOST, SOURCES, services, size
from local.template import Function, read_template

ROOT = Path(__file__).parents[1]
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
REQUIREMENTS = ROOT / "layers/bridge/requirements.txt"
DEPLOYMENT = read_template(
    ROOT / "template.yaml",
    stack="built",
    region="us-east-1",
    account_id="123456789012",
    aws_url="http://127.0.0.1:9",
    parameters={"Architecture": ARCHITECTURE},
)
FUNCTIONS = list(DEPLOYMENT.functions.values())


def digest_of_sources() -> str:
    """Names and contents of what a build reads."""
    digest = hashlib.sha256(sys.version.encode())
    folders = (path for folder in ("layers", "functions") for path in sorted((ROOT / folder).rglob("*")))
    for path in (ROOT / "template.yaml", ROOT / "Makefile", ROOT / "local/layer.py", *folders):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@pytest.fixture(scope="session")
def build() -> Path:
    """A build for this machine's architecture, made again only when its sources have changed."""
    folder = ROOT / ".aws-sam" / "test" / ARCHITECTURE
    stamp, digest = folder / "digest", digest_of_sources()
    if not stamp.is_file() or stamp.read_text() != digest:
        command = ["make", "build", f"ARCHITECTURE={ARCHITECTURE}", f"BUILD_DIR={folder}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        stamp.write_text(digest)
    return folder


_TOOL = """#!/bin/sh
for word in "$PIP_FIND_LINKS" "$@"; do printf '%s\\n' "$word"; done >> "{said}"
"""


def test_a_folder_whose_path_has_blanks_is_built_in(tmp_path: Path) -> None:
    """Make's own words to sam, which with all it needs is of another test."""
    folder = tmp_path / "two words" / "a  repository"
    for made in (".venv/bin/sam", ".venv/bin/python", ".venv/.installed", ".wheels/.checked"):
        (folder / made).parent.mkdir(parents=True, exist_ok=True)
        (folder / made).touch()
    said = tmp_path / "said"
    for tool in ("sam", "python"):
        path = folder / ".venv/bin" / tool
        path.write_text(_TOOL.format(said=said))
        path.chmod(0o755)
    for needed in ("layers/bridge/requirements.txt", "requirements/dev.txt"):
        (folder / needed).parent.mkdir(parents=True)
        (folder / needed).touch()
        os.utime(folder / needed, (0, 0))
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    command = ["make", "build", f"BUILD_DIR={folder}/b d"]
    subprocess.run(command, cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=True)

    links = f"file://{folder}/.wheels".replace(" ", "%20")
    assert said.read_text().splitlines() == [
        *(links, "build", "--build-dir", f"{folder}/b d"),
        *("", "-m", "local.layer", f"{folder}/b d/BridgeLayer"),
    ]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.logical_id)
def test_handler_and_all_it_can_import_come_from_the_artifact(build: Path, function: Function) -> None:
    layer, folder = build / "BridgeLayer" / "python", build / function.logical_id
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": function.handler,
        **function.environment,
    }
    script = ROOT / "tests/support/import_artifact.py"
    command = [sys.executable, "-I", "-S", str(script), str(layer), str(folder)]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "callable": True,
        "app": str(folder / "app.py"),
        "package": str(layer / "whatsapp_bridge" / "__init__.py"),
    }


def test_the_template_that_is_deployed_has_all_merged(build: Path) -> None:
    # CloudFormation refuses YAML aliases, which template.yaml has for its alarms.
    built = (build / "template.yaml").read_text(encoding="utf-8")
    assert [event for event in yaml.parse(built) if isinstance(event, yaml.AliasEvent)] == []
    assert "<<" not in built


def test_layer_holds_exactly_the_pinned_versions(build: Path) -> None:
    # sam checks no hashes of wheels that it fetches for another architecture; versions at least are compared here.
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
    installed = {
        re.sub(r"[-_.]+", "-", found.name).lower(): found.version
        for found in distributions(path=[str(build / "BridgeLayer" / "python")])
    }
    assert installed == pinned


def test_native_libraries_are_for_the_chosen_architecture(build: Path) -> None:
    # e_machine of the ELF header: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
    expected = {"x86_64": 62, "arm64": 183}[ARCHITECTURE]
    libraries = list((build / "BridgeLayer" / "python").rglob("*.so"))
    assert libraries
    assert {int.from_bytes(path.read_bytes()[18:20], "little") for path in libraries} == {expected}


def test_bytecode_is_shipped_for_every_module_of_the_layer(build: Path) -> None:
    sources = list((build / "BridgeLayer" / "python").rglob("*.py"))
    tag = sys.implementation.cache_tag
    assert sources
    assert [p for p in sources if not (p.parent / "__pycache__" / f"{p.stem}.{tag}.pyc").is_file()] == []


# A read-only operation without parameters of every service that the code uses.
CALLS = {
    "dynamodb": "list_tables",
    "kms": "list_keys",
    "s3": "list_buckets",
    "secretsmanager": "list_secrets",
    "sqs": "list_queues",
}


def test_layer_speaks_with_every_service(build: Path) -> None:
    assert set(CALLS) == services(SOURCES)
    script = ROOT / "tests/support/call_services.py"
    calls = [word for call in CALLS.items() for word in call]
    command = [sys.executable, "-I", "-S", "-B", str(script), str(build / "BridgeLayer" / "python"), *calls]
    with LocalAws() as aws:
        environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": aws.region, "AWS_ENDPOINT_URL": aws.url}
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(CALLS, 200)


def test_layer_is_within_its_size_limit(build: Path) -> None:
    assert size(build / "BridgeLayer") <= MOST
