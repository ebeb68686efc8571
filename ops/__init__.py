"""`bridge`: the operator's work at the command line, on a deployed stack or on the local one."""

import sys
from pathlib import Path

# In a checkout the bridge's package stands in its layer; installed, it stands beside this one.
LAYER = Path(__file__).resolve().parent.parent / "layers" / "bridge"
if LAYER.is_dir() and str(LAYER) not in sys.path:
    sys.path.append(str(LAYER))
