"""``python -m taskviz``: the verbs in a terminal."""

import sys

from taskviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
