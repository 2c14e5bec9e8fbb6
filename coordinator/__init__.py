"""Goals in, results out: plans, runs, dispatch, the HTTP API, the client. Knows nothing of models."""
