"""Runs the deployed handlers on one machine: a local Lambda, API Gateway, SQS and KMS, and sandboxes for both ends."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"

# The functions import the bridge's package from their layer; this package uses it to read accounts.
LAYER = ROOT / "layers" / "bridge"
if str(LAYER) not in sys.path:
    sys.path.append(str(LAYER))
