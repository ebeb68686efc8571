"""How long the functions take to start and to answer, beside handlers that do the least that can be done."""
