"""``python -m rmtsim``: the same as the command ``rmtsim``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
