"""An account: what one secret configures."""
