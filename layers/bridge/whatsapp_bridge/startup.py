"""Makes a function start faster. Import it before everything else of the package.

A start makes tens of thousands of objects, and nearly all of them stay. Garbage collection takes several per cent of a
start, so it is off until `done`, which also excludes the existing objects from all later collections.
"""

import gc
import os
import sys
import warnings

gc.disable()
# pydantic looks for plugins in the metadata of every distribution. There are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# requests imports a library that guesses the character set of a text, and warns if it is missing. Texts are read by
# their own rules here.
sys.modules.setdefault("charset_normalizer", None)  # type: ignore[arg-type]  # None: cannot be imported
warnings.filterwarnings("ignore", "Unable to find acceptable character detection")


def done() -> None:
    """The function is ready for its first event."""
    gc.freeze()
    gc.enable()
