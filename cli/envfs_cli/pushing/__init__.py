"""Values go to the tool of another service (`envfs push`): which tools there are, and how one is run."""
