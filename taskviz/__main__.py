"""``python -m taskviz``: the verbs in a terminal."""

import sys


def _run() -> int:
    try:
        # Here, so that Ctrl-C while libraries load ends as quietly as later.
        from taskviz.cli import main

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("Cancelled\n")
        return 130


if __name__ == "__main__":
    sys.exit(_run())
