"""AdaCache Sweep: one graph with several settings, in one queue."""
