"""SIGKILL at thirty random moments of a report being made, ten of them as .zip."""

import os
import random
import re
import time
import zipfile
from xml.etree.ElementTree import canonicalize

from faults.fork_server import dead, finished

from taskviz.cache import Cache
from taskviz.values.storage import LEFT_SECONDS

KILLS = 30
NAMES = ["report.html", "report.zip"]
COMMAND = [
    *("report", "linnerud", "--method", "label-correlation", "--budget", "2", "--no-baselines"),
    *("--grouper", "lloyd", "--epochs", "2", "--width", "8"),
    *("--sections", "collection,groups,affinity,repeat", "--out"),
]


def test_thirty_kills_leave_a_report_whole_or_not_there(forks, wait_until, tmp_path):
    """Reports are written by the terminal and the page, not by a job: so the terminal is killed."""
    root, calm = tmp_path / "cache", tmp_path / "calm cache"

    def write(place, out, moments=()):
        out.parent.mkdir(exist_ok=True)
        forks.moments = moments
        process = forks.run("command", [*COMMAND, str(out)], place, place.with_suffix(".txt"))
        wait_until(lambda: dead(process), 120, 0.003)
        return out

    expected = {name: parts(write(calm, tmp_path / "calm" / name)) for name in NAMES}
    old = b"an older file of this name"
    rng, cache, kept, seen, at = random.Random("report"), Cache(root), set(), [], []
    for kill in range(KILLS):
        out = tmp_path / "killed" / NAMES[kill % 3 == 2]
        moment = draw(rng, kill, out.name)
        there = kill % 4 > 1
        out.unlink(missing_ok=True)
        if there:
            out.write_bytes(old)
        before = len(forks.noted())
        # Each is killed: if not before, then once the file is in its place.
        write(root, out, [moment, (f"replaced .{out.name}", 1, 0.0)])
        notes = forks.noted()[before:]
        at.append(notes[-1].split()[0])
        assert "Written to" not in root.with_suffix(".txt").read_text(), "it was not killed"
        data = out.read_bytes() if out.exists() else None
        if data is not None and data != old:
            assert parts(out).keys() == expected[out.name].keys()
        else:
            in_place = any(note.startswith(f"replaced .{out.name}") for note in notes)
            assert not in_place, "the new file was in its place and is gone"
            assert data == (old if there else None), "the old file has gone"
        now = finished(cache)
        assert kept <= now
        kept = now
        seen.append((len(forks.computed()), now))
    assert len(at) == KILLS
    assert {"begin", "file", "replace", "replaced"} <= set(at), at
    assert {"put", "written", "stored"} & set(at), at

    litter = list((tmp_path / "killed").glob(".report.*"))
    assert litter, "no kill fell between the first byte and the last"
    # What was killed lies beside its place, until somebody writes there an hour later.
    for file in litter:
        os.utime(file, (time.time() - LEFT_SECONDS - 1,) * 2)
    for name in NAMES:
        assert parts(write(root, tmp_path / "killed" / name)) == expected[name]
    assert sorted(file.name for file in (tmp_path / "killed").iterdir()) == NAMES
    computed = forks.computed()
    for before, found in seen:
        assert not found & set(computed[before:])
    assert finished(cache) == finished(Cache(calm))
    assert not (root / "damaged").exists()


def draw(rng, kill, name):
    """When the process dies."""
    if kill < 6:
        # What is computed is stored by and by.
        return rng.choice(["put", "written", "stored"]), rng.choice([1, 2]), 0.0
    return rng.choice(
        [
            # While it starts, opens its data, draws.
            ("begin", 1, rng.uniform(0.0, 0.5)),
            # In the file itself: a moment before, beside its place, in it.
            (f"file {name}", 1, rng.uniform(0.0, 0.01)),
            (f"file {name}", 1, 0.0),
            (f"replace .{name}", 1, 0.0),
            (f"replaced .{name}", 1, 0.0),
        ]
    )


def parts(file):
    """Name → content of what is in a report, but for the moment it was written; it is whole."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            found = {name: archive.read(name) for name in archive.namelist()}
    else:
        found = {file.name: file.read_bytes()}
        assert found[file.name].rstrip().endswith(b"</html>")
    return {name: undated(drawn(name, data)) for name, data in found.items()}


def drawn(name, data):
    """Attributes of an SVG in one order: that of a browser hangs on when it draws."""
    if not name.endswith(".svg"):
        return data
    return canonicalize(data.replace(b' style=""', b"").decode()).encode()


def undated(data):
    """Without moments such as 27 November 2026, 03:40 UTC, in words or ISO, and without the random
    names that plotly gives to the parts of an SVG."""
    for name in set(re.findall(rb'(?:"defs-|[ "]trace|-cb)([0-9a-f]{6})\b', data)):
        data = data.replace(name, b"name")
    data = re.sub(rb"\d{1,2} \w+ \d{4}, \d\d:\d\d UTC", b"then", data)
    return re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)?", b"then", data)
