"""From measured runs of a model to a codebook and a plan of its own."""
