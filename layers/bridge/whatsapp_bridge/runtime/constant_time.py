"""Compares secrets in a time that does not show how near a guess was."""

import hmac
from collections.abc import Iterable


def is_same(given: str, expected: str) -> bool:
    """Whether a secret is the expected one."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def is_one_of(given: str, expected: Iterable[str]) -> bool:
    """`is_same` with one of several. Compares every one, so that the time does not show which one nearly matched."""
    return sum(is_same(given, each) for each in expected) > 0
