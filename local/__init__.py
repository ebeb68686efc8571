"""The deployed handlers on one machine: a local Lambda, API Gateway, SQS and KMS, and a sandbox for both ends."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"

# The functions find the bridge's package in their layer; this package reads accounts with it.
LAYER = ROOT / "layers" / "bridge"
if str(LAYER) not in sys.path:
    sys.path.append(str(LAYER))
