"""Texts that somebody has copied and pasted."""


def trimmed(text: str) -> str:
    """The text without what comes along at its ends: blanks, line breaks, byte-order marks, and others that nobody
    sees."""
    start, end = 0, len(text)
    while start < end and _unseen(text[start]):
        start += 1
    while start < end and _unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def _unseen(character: str) -> bool:
    return character.isspace() or not character.isprintable()
