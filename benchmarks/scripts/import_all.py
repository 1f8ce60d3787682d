"""Import the modules that a file names, as far as they can be imported by name."""

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

for name in Path(sys.argv[1]).read_text(encoding="utf-8").split():
    if name != "__main__":
        with suppress(ImportError):
            import_module(name)
