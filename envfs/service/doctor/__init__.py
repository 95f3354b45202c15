"""The judgement of `envfs doctor` over the facts."""
