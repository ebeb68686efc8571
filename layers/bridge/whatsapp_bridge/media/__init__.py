"""Files: addresses, types, how to fetch them, and signed links."""
