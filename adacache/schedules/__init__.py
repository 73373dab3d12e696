"""When to compute: numbers in, compute or reuse and the reason out. Nothing here imports torch."""
