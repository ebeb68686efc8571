"""Both ends of a conversation, played on 127.0.0.1: the BSP with the people behind it, and CleverTap."""
