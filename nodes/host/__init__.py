"""All that touches the host's sampling and networks.

Its duties, a module each:
    attach.py     put our wrappers on a clone of a MODEL, and take them off
    wrappers.py   the four wrappers: one sampling, its steps, one evaluation, one network call
    session.py    one sampling: its Run, and what the wrappers need to find again
    network.py    one network call: as a trunk, as one piece, or as it is
    families.py   the table of model families; gates.py, grids.py, layouts.py and sides.py say what its rows mean
    hooks.py      the block hooks of one network call; ear.py hears a block's attention
    guard.py      keeps a failure of ours from the artist's run
    output.py     caching a network as one piece
    swapping.py   other attributes on the host's modules, for the time of a call
    streams.py    what tells the rows of a network call apart
    compat.py     every question that we ask the host about itself
    runs.py       the traces of this process's runs, for the nodes and browsers that read them
    events.py     what browsers hear of a run while it goes on
    routes.py     how browsers ask for the kept runs
"""
