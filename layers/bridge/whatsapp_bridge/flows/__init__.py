"""How a message travels: accept, dispatch, receive, forward. Each flow reads top to bottom."""
