"""`python -m local.demo`: plays the sample conversation. The exit status is 0 only if every step succeeded."""

import argparse
import sys
import time

from local.demo.script import play
from local.stack import Stack


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Play the sample conversation.")
    parser.add_argument("--verbose", action="store_true", help="show the functions' logs")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with Stack(verbose=options.verbose) as stack:
        print(f"Serving at {stack.url}", flush=True)
        failures = play(stack, time.strftime("%Y%m%d", time.gmtime()))
        if failures and not options.verbose:
            print(f"\nLast lines of the functions' logs:\n{stack.log_tail()}")
    print(f"\n{len(failures)} of the steps failed" if failures else "\nEvery step happened", end="")
    print(f" ({time.monotonic() - started:.0f} s)")
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
