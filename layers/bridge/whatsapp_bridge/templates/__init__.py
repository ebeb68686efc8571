"""Templates: what is known of them, in Meta's form whatever the BSP is. Pure."""
