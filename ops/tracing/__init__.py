"""`bridge trace`: what happened to a message."""
