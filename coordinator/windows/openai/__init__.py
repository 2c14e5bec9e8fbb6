"""OpenAI's routes: models and chat completions, answered by specialists. Knows neither queue nor model."""
