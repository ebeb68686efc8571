"""What makes a function start faster; to be imported before everything else of the package.

Starting makes some ten thousands of objects, nearly all of which stay. Looking for garbage among them takes several per
cent of the time of a start, so none is collected until `done`, which also takes what is there by then out of the
collector's sight for good.
"""

import gc
import os

gc.disable()
# pydantic looks for plugins in the metadata of every distribution. There are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def done() -> None:
    """The function is ready for its first event."""
    gc.freeze()
    gc.enable()
