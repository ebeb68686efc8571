"""What `make build` takes out of the layer, and what it does not let pass."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local import TEMPLATE
from local.layer import SOURCES, Unfit, compile_sources, make_clients, prune, services, size, weigh


def sources(folder: Path, texts: dict[str, str]) -> list[Path]:
    paths = [folder / name for name in texts]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path.relative_to(folder).as_posix()], encoding="utf-8")
    return paths


# --- which services are used -----------------------------------------------------------------------------------------

IMPORT = "from whatsapp_bridge.store.aws import client, error_code\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (IMPORT + "client('sqs')", {"sqs"}),
        (IMPORT + "def make(region):\n    return own or client('kms', region)", {"kms"}),
        (IMPORT + "make = lambda: client('s3')\nother = client('sqs')", {"s3", "sqs"}),
        ("def f():\n    from whatsapp_bridge.store.aws import client as made\n    made('ses')", {"ses"}),
        ("from whatsapp_bridge.store import aws\naws.client('ses')", {"ses"}),
        ("from whatsapp_bridge.store import aws as a\na.client('ses')", {"ses"}),
        ("import whatsapp_bridge.store.aws\nwhatsapp_bridge.store.aws.client('ses')", {"ses"}),
        ("import whatsapp_bridge.store.aws as a\na.client('ses')", {"ses"}),
        (IMPORT + "client('sqs')\nself.client('not one')\nregistry.client(name)", {"sqs"}),
        (
            IMPORT + "class Outside:\n    aws: Any = client\ndef f(outside):\n    return outside.aws('ses', region)",
            {"ses"},
        ),
        ("def f(outside):\n    return partial(outside.aws, 'ses')", {"ses"}),
        (IMPORT + "f(aws=client)\nself.outside.aws('ses')", {"ses"}),
        (IMPORT + "client('sqs')\nfrom botocore.exceptions import ClientError", {"sqs"}),
    ],
)
def test_services_are_read_from_the_calls(tmp_path: Path, text: str, found: set[str]) -> None:
    assert services(sources(tmp_path, {"module.py": text})) == found


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (IMPORT + "client(name)", ":2: .* write the service's name as a text"),
        (IMPORT + "client(service='sqs')", ":2: .* write the service's name as a text"),
        (IMPORT + "client(f'{name}')", ":2: .* write the service's name as a text"),
        ("def f(outside):\n    outside.aws(name)", ":2: .* write the service's name as a text"),
        (IMPORT + "class Outside:\n    make: Any = client", ":3: .* call it where it is named"),
        ("def f(outside):\n    return partial(outside.aws, name)", ":2: .* write the service's name as a text"),
        ("def f(outside):\n    return map(outside.aws, names)", ":2: .* call it where it is named"),
        (IMPORT + "\nclients = map(client, names)", ":3: .* call it where it is named"),
        ("from whatsapp_bridge.store import aws\nmake = aws.client", ":2: .* call it where it is named"),
        ("import boto3", r":1: .* make clients with whatsapp_bridge\.store\.aws\.client"),
        ("import boto3.session", ":1: .* make clients with"),
        ("from boto3 import client\nclient('sqs')", ":1: .* make clients with"),
        ("import botocore.session", ":1: .* make clients with"),
        ("from botocore import session", ":1: .* make clients with"),
        ("def f():\n    from botocore.session import get_session", ":2: .* make clients with"),
        ("", "no call of"),
    ],
)
def test_services_that_cannot_be_read_fail_the_build(tmp_path: Path, text: str, advice: str) -> None:
    with pytest.raises(Unfit, match=advice):
        services(sources(tmp_path, {"module.py": text}))


def test_one_module_may_use_botocores_own_session(tmp_path: Path) -> None:
    made = sources(
        tmp_path,
        {
            "whatsapp_bridge/store/aws.py": "from botocore.session import get_session\ndef client(name): ...",
            "app.py": IMPORT + "client('sqs')",
        },
    )
    assert services(made) == {"sqs"}


def actions(value: Any) -> Iterator[str]:
    """Every action that a policy anywhere in `value` names."""
    if isinstance(value, dict):
        own = value.get("Action", [])
        yield from [own] if isinstance(own, str) else own
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from actions(item)


def test_the_bridge_uses_the_services_that_its_functions_may_call() -> None:
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    roles = [made["Properties"] for made in template["Resources"].values() if made["Type"] == "AWS::IAM::Role"]
    granted = {action.partition(":")[0] for role in roles for action in actions(role.get("Policies", []))}

    # Lambda writes logs and makes network interfaces, in the functions' name.
    assert services(SOURCES) == granted - {"logs", "ec2"}


# --- the steps -------------------------------------------------------------------------------------------------------


def test_data_of_other_services_leave(tmp_path: Path) -> None:
    data = tmp_path / "python/botocore/data"
    sources(data, {"sqs/2012/service.json": "1", "ec2/2016/service.json": "2", "partitions.json": "3"})

    prune(tmp_path, {"sqs"})

    left = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    assert left == {"sqs/2012/service.json", "partitions.json"}


def test_service_that_botocore_does_not_have_fails_the_build(tmp_path: Path) -> None:
    sources(tmp_path / "python/botocore/data", {"sqs/2012/service.json": "1"})

    with pytest.raises(Unfit, match="botocore has no service squs"):
        prune(tmp_path, {"sqs", "squs"})


def test_module_that_does_not_compile_fails_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sources(tmp_path / "python", {"good.py": "a = 1", "bad.py": "a = "})

    with pytest.raises(Unfit, match="does not compile"):
        compile_sources(tmp_path)
    assert "/opt/python/bad.py" in capfd.readouterr().out


FACTORY = "import botocore_data\ndef client(name):\n    assert name in botocore_data.NAMES, f'no data of {name}'"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        pytest.param({"botocore_data.py": "NAMES = {'s3', 'sqs'}"}, None, id="all"),
        pytest.param({"botocore_data.py": "NAMES = {'s3'}"}, "no data of sqs", id="one is missing"),
        pytest.param({}, "No module named 'botocore_data'", id="a package is missing"),
    ],
)
def test_layer_that_cannot_make_its_clients_fails_the_build(
    tmp_path: Path, files: dict[str, str], complaint: str | None
) -> None:
    package = {"whatsapp_bridge/__init__.py": "", "whatsapp_bridge/store/__init__.py": ""}
    sources(tmp_path / "python", {**package, "whatsapp_bridge/store/aws.py": FACTORY, **files})

    if complaint is None:
        make_clients(tmp_path, {"s3", "sqs"})
    else:
        with pytest.raises(Unfit, match=re.escape(complaint)):
            make_clients(tmp_path, {"s3", "sqs"})


@pytest.mark.parametrize(("most", "fits"), [(3 * 1024 * 1024, True), (3 * 1024 * 1024 - 1, False)])
def test_layer_over_the_limit_fails_the_build(tmp_path: Path, most: int, fits: bool) -> None:
    sources(tmp_path / "python", {"small.py": "x" * 1024 * 512, "large/data": "x" * 1024 * 1024 * 2})
    sources(tmp_path, {"python/large/more/data": "x" * 1024 * 512})
    assert size(tmp_path) == 3 * 1024 * 1024

    if fits:
        assert weigh(tmp_path, most) == "3.0 MB unzipped, of 3.0 MB"
    else:
        with pytest.raises(Unfit, match=r"Take a package out .* The largest: large 2\.5 MB, small\.py 0\.5 MB\."):
            weigh(tmp_path, most)
