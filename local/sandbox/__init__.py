"""Simulates both ends of a conversation on 127.0.0.1: the BSP with its people, and CleverTap."""
