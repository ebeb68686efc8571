"""Small classes for the AWS services; nothing else in the package calls AWS."""
