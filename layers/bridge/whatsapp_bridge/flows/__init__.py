"""The path of a message: accept, dispatch, receive, forward. Read each flow from top to bottom."""
