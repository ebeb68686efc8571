"""Templates, from a file to an approved one that CleverTap can import."""
