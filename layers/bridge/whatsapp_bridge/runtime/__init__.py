"""What every function needs to run: its environment, logs and metrics, events, retry schedules."""
