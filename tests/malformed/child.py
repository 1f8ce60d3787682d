"""Runs command lines, one JSON list a line, one after the other as ``mnistkit`` runs them.

Answers each with the exit code, the seconds it took and the greatest memory that the process ever held, which
is at least what this command held.  A process of its own, so that what others hold does not count.
"""

import json
import logging
import os
import resource
import sys
import time
import traceback

from mnistkit.cli import main

#: No case may take the machine with it, should it ever get what it asks for.
_MOST_ADDRESSES = 16 << 30

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def serve():
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, _MOST_ADDRESSES))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=answers, flush=True)


def run(arguments):
    wall, processor = time.monotonic(), time.process_time()
    code = _exit_code(arguments)
    # A command waits for others on a busy machine, and takes several processors at once.
    seconds = min(time.monotonic() - wall, time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
    return {"code": code, "seconds": seconds, "peak": peak}


def _exit_code(arguments):
    sys.argv = ["mnistkit", *arguments]
    try:
        main()
    except SystemExit as stopped:
        return stopped.code or 0
    except BaseException:  # noqa: BLE001 - whatever it is, the corpus shows it
        traceback.print_exc()
        return None
    finally:
        logger = logging.getLogger("mnistkit")
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)  # --quiet is for one run
    return 0


if __name__ == "__main__":
    serve()
