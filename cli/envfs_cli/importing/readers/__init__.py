"""How known readers of `.env` files read them: models in plain Python, checked against the readers themselves."""
