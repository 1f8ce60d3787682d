"""Times command lines from start to exit: ``python -E -S -m benchmarks.launcher``, one JSON object a line.

A process of its own because a child's peak memory begins with its parent's: this one stays at about
10 MB.  It imports nothing but small modules of the standard library.
"""

import json
import os
import sys
import time

from benchmarks.load import busy_seconds, others


def main() -> None:
    """Answer each command line with its figures until the input ends."""
    for line in sys.stdin:
        print(json.dumps(_launch(**json.loads(line))), flush=True)


def _launch(argv: list[str], env: dict[str, str], log: str) -> dict[str, object]:
    """Run a command; what it prints goes to a file.

    Returns:
        ``seconds``, ``status`` (of the exit), ``peak`` (bytes), ``cpu`` (seconds), ``others`` (CPUs).
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, log, flags, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)]
    before, start = busy_seconds(), time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, env, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    seconds, after = time.perf_counter() - start, busy_seconds()
    cpu = used.ru_utime + used.ru_stime
    return {
        "seconds": seconds,
        "status": os.waitstatus_to_exitcode(status),
        "peak": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "cpu": cpu,
        "others": others(before, after, cpu, seconds),
    }


if __name__ == "__main__":
    main()
