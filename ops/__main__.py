"""`python -m ops`, which `bridge` starts."""

import os
import sys


def main() -> None:
    # Read when the bridge's package is imported: here nobody reads its logs, and CloudWatch counts nothing.
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "bridge")
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bridge")
    from ops.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
