"""Where each family of networks has its blocks, its attention, its frames and its side blocks."""
