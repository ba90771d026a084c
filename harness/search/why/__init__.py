"""Why an execution fails: the race that decides, its cause, and what the guest sees of it."""
