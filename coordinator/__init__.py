"""The coordinator: plans, runs, dispatch, the HTTP API and the client. Knows nothing of models."""
