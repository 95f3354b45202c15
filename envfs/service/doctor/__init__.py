"""What `envfs doctor` makes of the facts that it was given."""
