"""A session of a coding agent: run in a fence with a summary at its end, and the settings of agents."""
