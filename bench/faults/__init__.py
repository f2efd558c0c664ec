"""`make faults`: real processes are killed, stopped, frozen and misled while calls are made.

What was promised to the client is counted against the database afterwards (docs/faults.md).
"""
