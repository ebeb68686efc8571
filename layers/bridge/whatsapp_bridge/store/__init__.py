"""The AWS services behind small classes; nothing else in the package talks to AWS."""
