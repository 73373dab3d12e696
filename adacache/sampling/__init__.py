"""One sampling, from its first evaluation to its last."""
