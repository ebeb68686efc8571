"""The sample conversation: `python -m local.demo`."""
