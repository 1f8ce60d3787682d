"""Measures mnistkit against its peers and against what the machine can do.

::

    python -m benchmarks [--only JOB]… [--rounds N] [--rows N] [--scratch DIR] [--out DIR]

    jobs/       what is measured: a job is ours, its peers and its limits
    model.py    Job, Side, Goal
    data.py     the images that all sides share, and the files made of them
    racing.py   A B A B: rounds of fresh runs, each output checked before its figure counts
    processes.py the children: workers and the launcher
    worker.py   a process that does one side's setting up once and then times calls on command
    launcher.py a small process that times command lines from start to exit
    ratios.py   medians of pair ratios, goals met or missed
    report.py   Markdown and JSON; plot.py draws them
"""
