"""What every function needs to run: environment, logs and metrics, events, retry schedules."""
