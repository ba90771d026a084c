"""Scenarios: what guests do, on how many CPUs, under which optional stimuli. TOML, typed."""
