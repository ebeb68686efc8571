"""Measures how long the functions take to start and to answer, compared with minimal handlers ("floors")."""
