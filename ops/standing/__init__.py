"""What stands on the stack's queues for an operator: dead letters and the quarantine."""
