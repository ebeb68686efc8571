"""What a release says of itself, in one place and in those that repeat it; what its users' CI runs."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Log
from whatsapp_bridge import __version__
from whatsapp_bridge.runtime.observability import logger
from whatsapp_bridge.store import aws

ROOT = Path(__file__).parents[1]
TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CI: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))


def test_the_version_is_a_semantic_one() -> None:
    # https://semver.org/
    assert re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?", __version__)


def test_the_package_has_the_codes_version() -> None:
    assert "version" not in PROJECT["project"]
    assert "version" in PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "whatsapp_bridge.__version__"}


def test_the_stack_says_its_version() -> None:
    output = TEMPLATE.partition("\nOutputs:\n")[2]
    assert re.findall(r"^  Version:\n    Description: .*\n    Value: (.*)$", output, re.MULTILINE) == [__version__]


def test_the_changelog_has_the_version_and_its_day() -> None:
    sections = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    version, _, day = sections[1].partition(" - ")
    assert version == f"[{__version__}]"
    assert date.fromisoformat(day).isoformat() == day


def test_every_log_line_has_the_version(log: Log) -> None:
    logger.info("anything")
    assert [entry["version"] for entry in log.entries] == [__version__]


def test_aws_is_told_the_version() -> None:
    assert f"clevertap-whatsapp-bridge/{__version__} " in aws.client("sqs", "eu-west-1").meta.config.user_agent


def test_ci_runs_what_contributors_run() -> None:
    (job,) = CI["jobs"].values()
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(job["strategy"]["matrix"]["target"]) <= targets
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make ${{ matrix.target }}"]


def test_ci_has_no_rights_and_runs_what_it_names() -> None:
    text = json.dumps(CI)
    assert CI["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    (job,) = CI["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    # A tag can be moved to other code, a commit cannot.
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)] == []
