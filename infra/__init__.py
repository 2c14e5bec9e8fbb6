"""The floor: settings, the queue, the ledger, telemetry. Imports nothing of ours."""
