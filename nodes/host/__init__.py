"""All that touches the host's sampling and networks.

Its duties, a module each:
    attach.py     put our wrappers on a clone of a MODEL, and take them off
    wrappers.py   the four wrappers: one sampling, its steps, one evaluation, one network call
    hooks.py      the block hooks of one network call
    families.py   the table of model families: where the blocks are, what is measured, where the frames are
    streams.py    what tells the rows of a network call apart
    compat.py     every question that we ask the host about itself
    runs.py       the traces of this process's runs, for the nodes and browsers that read them
    events.py     what browsers hear of a run while it goes on
    routes.py     how browsers ask for the kept runs
"""
