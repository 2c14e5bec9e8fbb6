"""How good specialists are: metrics, baselines, facts, cards, the report. Runs no model."""
