"""What is installed is what was looked at: each package in one version, by its hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = ("layers/bridge/requirements.txt", "requirements/dev.txt")


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    packages = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [found for found in packages if not re.match(r"\S+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}", found)] == []
    assert len(packages) > 10
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    fetched = [line for line in makefile.splitlines() if re.search(r"\$\(PIP\) (install|download)", line)]
    assert fetched
    assert [line for line in fetched if line.count("$(PIP)") != line.count("--require-hashes")] == []
