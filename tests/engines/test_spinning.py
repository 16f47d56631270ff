"""Threads that wait leave their core soon, unless the user chose otherwise."""

import os
import subprocess
import sys

import pytest

from taskviz.engines.spinning import CHOICES, ROUNDS, short_waits


@pytest.mark.parametrize("own", CHOICES)
def test_what_the_user_chose_stays(own):
    assert short_waits({"PATH": "/bin"}) == {"GOMP_SPINCOUNT": str(ROUNDS)}
    assert short_waits({own: "active"}) == {}


def test_a_command_waits_shortly_before_torch_is_imported():
    code = (
        "import os, sys\n"
        "from taskviz.cli import main\n"
        "assert 'torch' not in sys.modules\n"
        "main(['--version'])\n"
        "print(os.environ['GOMP_SPINCOUNT'])"
    )
    plain = {name: value for name, value in os.environ.items() if name not in CHOICES}
    for environment, rounds in ((plain, str(ROUNDS)), (plain | {"GOMP_SPINCOUNT": "7"}, "7")):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split()[-1] == rounds
