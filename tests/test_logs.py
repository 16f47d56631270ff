"""The structured log: whole lines from many processes, rotation, job ids."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from taskviz.logs import KEPT, JsonLines

CHILD = """
import logging, sys
from pathlib import Path
from taskviz.logs import JsonLines
logger = logging.getLogger("taskviz.test"); logger.setLevel(logging.INFO)
logger.addHandler(JsonLines(Path(sys.argv[1]), sys.argv[2], most_bytes=20_000))
for i in range(100):
    logger.info("line %d", i)
"""


def test_processes_write_whole_lines_and_rotate(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "taskviz.jsonl"
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, str(path), f"job{i}"]) for i in range(3)
    ]
    assert [child.wait(120) for child in children] == [0, 0, 0]
    files = sorted(path.parent.glob("taskviz.jsonl*"))
    assert 2 <= len(files) <= KEPT + 1
    assert all(file.stat().st_size <= 20_000 for file in files)
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    seen = {(line["job"], line["message"]) for line in lines}
    assert len(seen) == len(lines) == 300, "no line is lost, none is torn"


def test_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    logger = logging.Logger("taskviz.test")
    logger.addHandler(JsonLines(path))
    try:
        raise ValueError("no\nsuch")
    except ValueError:
        logger.exception("two\nlines %s", "é", extra={"job": "ab", "by": "ada@example.org"})
    (line,) = [json.loads(text) for text in path.read_text().splitlines()]
    assert line["message"] == "two\nlines é"
    assert (line["job"], line["by"], line["level"]) == ("ab", "ada@example.org", "ERROR")
    assert "ValueError" in line["exception"]
    assert line["time"].endswith("Z")


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logger = logging.Logger("taskviz.test")
    logger.addHandler(JsonLines(tmp_path / "file" / "x.jsonl"))
    logger.error("lost")
