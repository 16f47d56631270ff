"""The room's door: names that resolve, and imports that stay small."""

import subprocess
import sys

import pytest

import taskviz.training as room


def test_every_name_at_the_door_is_there():
    assert sorted(room._HOMES) == sorted(room.__all__)
    for name in room.__all__:
        assert getattr(room, name).__module__.startswith("taskviz.training.")
    with pytest.raises(AttributeError, match="nothing"):
        _ = room.nothing


def test_importing_one_module_does_not_import_all():
    code = (
        "import sys, taskviz.training.options\n"
        "loaded = [m for m in sys.modules if m.startswith(('taskviz.training.', 'sklearn'))]\n"
        "assert loaded == ['taskviz.training.options'], loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
