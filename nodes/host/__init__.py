"""All that touches the host's sampling and networks.

Its duties, a module each:
    wrappers.py      our wrappers around the host's sampling, by its own kinds: put on a clone of a MODEL, and taken off
    session.py       one sampling: its Run, and what the wrappers need to find again
    answers.py       the network's answers: asked, or reused
    network.py       one call of the network: counted, or with its blocks hooked (trunk/, for the paper's presets)
    stream_keys.py   what tells the streams of an evaluation apart
    acting.py        what other nodes do to the network at a noise level
    call_count.py    whether the network itself answers
    other_caches.py  what stands in place of the network or its blocks, and whose it is
    guard.py         a failure of ours does not reach the run
    samplers.py      what is known of the host's samplers
    compat.py        every question that we ask the host about its models and devices
"""
