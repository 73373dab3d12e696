"""The record of a run, and its JSON. Nothing here imports torch."""
