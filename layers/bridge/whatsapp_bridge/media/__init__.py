"""Files: their addresses, their types, fetching them, and signed links to them."""
