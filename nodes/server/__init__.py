"""What the host's server knows of runs: the store, its events and routes, and saved calibrations."""
