"""The actors: one file per kind of task. They announce a step, perform it on the model, go on."""
