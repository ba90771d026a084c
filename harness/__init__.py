"""What runs the model: the engine, the tasks, the hypervisor under test, and the commands."""
