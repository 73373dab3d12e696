"""For the paper's presets only: a network's blocks, hooked for one call."""
