"""AWS as the bridge may meet it: its rules, and its services in memory for the deterministic simulation."""
