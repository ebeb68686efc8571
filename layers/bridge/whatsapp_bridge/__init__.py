"""CleverTap WhatsApp Bridge: connects CleverTap's generic WhatsApp API with BSPs that do not support it."""

# The one place: pyproject.toml reads it, and tests hold the stack's output and the changelog to it. The layer has no
# package metadata, which would also cost a look-up at each cold start.
__version__ = "0.1.0"
