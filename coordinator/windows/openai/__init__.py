"""OpenAI's routes: models and chat completions, answered by specialists and by goals. Knows neither queue nor model."""
