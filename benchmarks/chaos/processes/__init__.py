"""The processes that are killed, and what the harness adds to them: an audit, planted faults, failing jobs."""
