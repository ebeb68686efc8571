"""An interpreter that finds the packages of a deployed function, and no others.

More packages would change the results: botocore imports awscrt and urllib3 imports pyOpenSSL if they exist, and
pydantic searches every installed distribution for plugins.
"""

import re
import venv
from importlib import metadata
from pathlib import Path

from local import ROOT

LAYER_REQUIREMENTS = ROOT / "layers" / "bridge" / "requirements.txt"
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""Lambda's own packages in the process."""


def layer_distributions(requirements: str) -> list[str]:
    """The names in a requirements file with pinned versions."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", requirements, re.MULTILINE)


def make_interpreter(directory: Path) -> Path:
    """The path of a Python whose site-packages have the layer's distributions and the runtime client's.

    They are links to those of the running environment, with their compiled files. Raises `PackageNotFoundError` for one
    that is not installed there.
    """
    venv.create(directory, with_pip=False, symlinks=True)
    (site_packages,) = directory.glob("lib/python3*/site-packages")
    for name in (*layer_distributions(LAYER_REQUIREMENTS.read_text(encoding="utf-8")), *RUNTIME):
        _link(metadata.distribution(name), site_packages)
    return directory / "bin" / "python"


def _link(distribution: metadata.Distribution, site_packages: Path) -> None:
    # Scripts are outside (`../../../bin/jp.py`); compiled files of single modules are in a shared folder.
    tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
    for top in tops:
        (site_packages / top).symlink_to(Path(str(distribution.locate_file(top))))
