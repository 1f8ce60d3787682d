"""Carries out an export: plan the parts, write them into a scratch folder, prove them, publish.

::

    plan      what is written, what is lost, whether it can be          plan.py
    scratch   a locked folder beside the destination                    scratch.py, lock.py
    run       parts through the writer, digests beside                  run.py
    publish   synced to disk, then swapped in one step                  durable.py, publish.py
"""
