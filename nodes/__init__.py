"""The nodes: each a schema and a few lines, in a file of its own.

Nothing is imported here, so that parts that need no ComfyUI can be used without; `extension.py` has the list.
"""
