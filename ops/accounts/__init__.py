"""`bridge account ...`: an account from its file to its end."""
