"""From a failing schedule to its shortest story, and to the order of steps that decides it."""
