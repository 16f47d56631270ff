"""The verbs in a terminal: in this process where that will do, as a command where it matters."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from taskviz.cli import main
from taskviz.cli.group import read_affinity_file
from taskviz.cli.parameters import names, pairs, task_choice
from taskviz.cli.serve import is_local
from taskviz.jobs import JobStore
from taskviz.values import AffinityMatrix, Grouping, SubsetTable, TaskvizError, TrainingResult

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    "collections",
    "check",
    "init",
    "affinity",
    "group",
    "stability",
    "train",
    "report",
    "jobs",
    "app",
    "linearisation",
    "evidence",
    "recommend",
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    rows = ["a,b,c,sum,more"]
    rows += [f"{a:.4f},{b:.4f},{c:.4f},{a + b + c:.4f},{'yes' if a > b else 'no'}" for a, b, c in x]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.fixture
def run(capsys):
    """Run a command here: exit status, stdout, stderr."""

    def call(*arguments):
        status = main([str(word) for word in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def run_json(run):
    def call(*arguments):
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        assert err == ""
        return json.loads(out)

    return call


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "taskviz", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        **options,
    )


class TestCollections:
    def test_list(self, run, run_json):
        found = {c["name"]: c for c in run_json("collections")}
        assert (found["yeast"]["n"], found["yeast"]["tasks"]) == (2417, 14)
        assert {"name", "modality", "layout", "n", "tasks"} <= set(found["digits"])
        status, out, _ = run("collections")
        assert status == 0
        assert "linnerud" in out

    def test_check_finds_every_problem(self, run, tmp_path):
        path = tmp_path / "bad.csv"
        rows = [f"{i % 7},{i},3,{'x' if i == 4 else i}" for i in range(30)]
        path.write_text("\n".join(["a,b,same,target", *rows]))
        status, out, err = run(
            "check", path, "--targets", "same,target,none", "--kind", "target=regression", "--json"
        )
        assert (status, err) == (1, "")
        problems = json.loads(out)["problems"]
        errors = [p["message"] for p in problems if p["severity"] == "error"]
        assert len(errors) == 3
        assert any("row 6" in message for message in errors)
        assert any("constant" in message for message in errors)
        assert any("'none'" in message for message in errors)
        status, out, _ = run("check", path, "--targets", "same,target")
        assert status == 1
        assert "error:" in out

    def test_check_of_a_good_table(self, run_json, table):
        found = run_json("check", table, "--targets", "sum,more")
        assert found["rows"] == 60
        assert not [p for p in found["problems"] if p["severity"] == "error"]

    def test_init_and_check_of_a_folder(self, run, run_json, tmp_path):
        from data.readers import layouts

        root = layouts.nodes(tmp_path / "net")
        status, out, _ = run("init", root)
        assert (status, "collection.toml" in out) == (0, True)
        found = run_json("check", root)
        assert (found["rows"], found["targets"]) == (40, ["label_a", "label_b"])
        assert (found["modality"], found["layout"], found["format"]) == (
            "nodes",
            "joint",
            ["nodes"],
        )
        status, _, err = run("init", root)
        assert (status, "--force" in err) == (2, True)
        assert run_json("init", root, "--force")["text"].startswith("# collection.toml")
        (root / "edges.csv").write_text("n1,n99\nn2,n98\n")
        (root / "collection.toml").write_text('nmae = "x"\n')
        status, out, _ = run("check", root)
        assert (status, "did you mean 'name'" in out) == (1, True)
        (root / "collection.toml").unlink()
        status, out, _ = run("check", root)
        assert status == 1
        assert "'n99', which is not in nodes.csv" in out
        assert "'n98', which is not in nodes.csv" in out

    def test_check_of_no_folder(self, run, tmp_path):
        status, out, _ = run("check", tmp_path / "none.zip", "--json")
        assert status == 1
        assert "none.zip" in json.loads(out)["problems"][0]["message"]
        status, _, err = run("init", tmp_path / "none")
        assert (status, "There is no file or folder" in err) == (2, True)

    def test_check_of_no_table(self, run, tmp_path):
        status, out, _ = run("check", tmp_path / "none.csv", "--json")
        assert status == 1
        assert "none.csv" in json.loads(out)["problems"][0]["message"]


class TestAffinity:
    def test_twice_prints_the_same_bits(self, run):
        words = ("affinity", "linnerud", "--method", "sca", "--seed", 0, "--n", 5, "--json")
        first, second = run(*words), run(*words)
        assert first == second
        status, out, err = first
        data = json.loads(out)
        assert (status, err) == (0, "")
        assert data["T"] == 3
        assert data["tasks"] == ["Weight", "Waist", "Pulse"]
        assert np.array(data["values"]).shape == (3, 3)
        assert data["options"]["n"] == 5
        assert data["networks_trained"] == 0
        assert {"method", "seed", "seconds", "standard_error", "notes", "key"} <= set(data)

    def test_options_in_every_way_of_writing(self, run_json):
        for words in (
            ("--n", 7, "--heads", "tied"),
            ("--n=7", "--option", "heads=tied"),
            ("--option", "n=7", "--option=heads=tied"),
        ):
            data = run_json("affinity", "linnerud", *words)
            assert (data["options"]["n"], data["options"]["heads"]) == (7, "tied")

    def test_no_cache_stores_nothing(self, run_json, tmp_path):
        run_json("affinity", "linnerud", "--n", 5, "--no-cache")
        assert not (tmp_path / "cache" / "affinity").exists()

    def test_out_and_tasks_and_table(self, run, run_json, table, tmp_path):
        data = run_json("affinity", "yeast", "--tasks", 3, "--n", 5, "--out", tmp_path / "m.json")
        assert data["tasks"] == ["Class1", "Class2", "Class3"]
        assert AffinityMatrix.read(tmp_path / "m.json").to_json()["values"] == data["values"]
        status, out, _ = run("affinity", table, "--targets", "sum,more", "--n", 5)
        assert status == 0
        assert "sum" in out
        assert "seed 0" in out

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("affinity", "yeats"), "'yeast'"),
            (("affinity", "linnerud", "--method", "scaa"), "Unknown affinity method 'scaa'"),
            (("affinity", "linnerud", "--samples", "3"), "Unknown option 'samples' of "),
            (("affinity", "linnerud", "--tasks", "foo"), "Unknown task 'foo' of collection 'linn"),
            (("affinity", "linnerud", "--tasks", "1"), "comes with 1 task selected"),
            (("recommend", "linnerud", "--worth", "5"), "'worth', a share of the loss, is 5.0: a"),
            (("affinity", "linnerud", "--cache", "x"), "Unknown option"),
            (("affinity", "linnerud", "--use-cache", "x"), "Unknown option"),
            (("affinity", "linnerud", "--n", "many"), "'n'"),
            (("affinity", "linnerud", "stray"), "'stray'"),
            (("affinity", "linnerud", "--option", "n"), "name=value"),
            (("affinity", "linnerud", "--seed", "-1"), "--seed"),
            (("affinity", "linnerud", "--tasks", "Weight,None"), "'None'"),
            (("affinity", "linnerud", "--device", "abacus"), "Device 'abacus'"),
            (("affinity",), "reference"),
            (("afinity", "linnerud"), "afinity"),
            (("group", "linnerud", "--budget", "0"), "udget"),
            (("group", "linnerud", "--out", "x.json"), "--budget"),
            (("group", "no.json", "--budget", "2"), "no.json"),
            (("train", "linnerud"), "--budget"),
            (("train", "linnerud", "--budget", "2", "--grouping", "x.json"), "either"),
            (("train", "linnerud", "--budget", "2", "--epochs", "none"), "epochs"),
            (("jobs", "show", "nope"), "nope"),
            (("jobs", "cancel", "nope"), "nope"),
            (("app", "--port", "0"), "--port"),
        ],
    )
    def test_an_error_is_one_sentence(self, run, words, told):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert told in err
        assert err.count("\n") == 1
        assert "Traceback" not in err
        if words[0] != "app":
            status, out, err = run(*words, "--json")
            assert status == 2
            assert told in json.loads(out)["error"]


class TestGroup:
    def test_of_a_matrix_a_table_and_a_collection(self, run, run_json, tmp_path):
        values = np.kron(np.eye(2), np.ones((2, 2)))
        matrix = AffinityMatrix(values, ("a", "b", "c", "d"), "planted")
        matrix.save(tmp_path / "m.json")
        matrix.save(tmp_path / "m.csv")
        for name in ("m.json", "m.csv"):
            data = run_json("group", name, "--method", "random", "--budget", 2)
            assert sorted(task for group in data["groups"] for task in group) == [
                "a",
                "b",
                "c",
                "d",
            ]
        made = run_json(
            *("group", "linnerud", "--budget", 2, "--affinity-option", "n=5"),
            *("--method", "random", "--out", tmp_path / "g.json"),
        )
        assert Grouping.read(tmp_path / "g.json").to_json() == made
        status, out, _ = run("group", "m.csv", "--method", "random", "--budget", 2)
        assert status == 0
        assert "Budget 2" in out

    def test_without_a_budget_all_of_them(self, run_json, tmp_path):
        AffinityMatrix(np.eye(3), ("a", "b", "c"), "planted").save(tmp_path / "m.json")
        found = run_json("group", "m.json", "--method", "random")
        assert [len(g["groups"]) for g in found] == [1, 2, 3]

    def test_a_csv_tells_what_it_is(self, tmp_path, table):
        AffinityMatrix(np.eye(2), ("a", "b"), "x").save(tmp_path / "m.csv")
        assert isinstance(read_affinity_file(tmp_path / "m.csv"), AffinityMatrix)
        (tmp_path / "t.csv").write_text("subset,a,b\na,1,\nb,,1\na+b,1,1\n")
        assert isinstance(read_affinity_file(tmp_path / "t.csv"), SubsetTable)
        assert read_affinity_file(table) is None
        assert read_affinity_file(Path("yeast")) is None


class TestTrain:
    def test_train_with_baselines(self, run, run_json, tmp_path):
        words = ("train", "linnerud", "--budget", 2, "--affinity-option", "n=5")
        words += ("--grouper", "random", "--epochs", 2, "--patience", 1, "--width", 4)
        words += ("--baselines", "--random-draws", 1)
        data = run_json(*words, "--out", tmp_path / "out")
        assert set(data["contenders"]) == {"chosen", "all-together", "all-separate", "random 1"}
        served = {(m["task"]) for m in data["metrics"] if m["split"] == "test"}
        assert served == {"Weight", "Waist", "Pulse"}
        assert data["settings"]["options"]["epochs"] == 2
        files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
        assert {p.suffix for p in files} == {".json", ".safetensors"}
        assert len(TrainingResult.read(tmp_path / "out").networks) == len(
            data["grouping"]["groups"]
        )
        assert (tmp_path / "out" / "all-together" / "result.json").exists()
        status, out, _ = run(*words)
        assert status == 0
        assert "all-separate" in out

    def test_notes_of_the_grouping_are_told(self, run):
        note = "The method ended with 1 groups, fewer than the 2 asked for."
        data = Grouping.of([["Weight", "Waist", "Pulse"]]).to_json() | {"notes": [note]}
        Path("g.json").write_text(json.dumps(data))
        words = ("train", "linnerud", "--grouping", "g.json", "--epochs", 1, "--width", 4)
        status, out, _ = run(*words)
        assert status == 0
        assert f"Note: {note}" in " ".join(out.split())

    def test_over_seeds_and_by_a_gradient_method(self, run, run_json, tmp_path):
        Grouping.of([["Weight", "Waist"], ["Pulse"]]).save(tmp_path / "g.json")
        words = ("train", "linnerud", "--grouping", "g.json", "--epochs", 2, "--width", 4)
        data = run_json(*words, "--seeds", 2, "--weighting", "pcgrad")
        assert data["seeds"] == [0, 1]
        assert {row["seed"] for row in data["metrics"]} == {0, 1}
        assert data["settings"]["weighting"] == "pcgrad"
        status, _, err = run(*words, "--weighting", "pcgrat")
        assert status == 2
        assert "Did you mean 'pcgrad'" in err

    def test_of_a_saved_grouping(self, run_json, tmp_path):
        Grouping.of([["Weight"], ["Waist", "Pulse"]]).save(tmp_path / "g.json")
        data = run_json("train", "linnerud", "--grouping", "g.json", "--epochs", 2)
        assert data["serving"] == {"Weight": 0, "Waist": 1, "Pulse": 1}
        assert "contenders" not in data

    def test_a_grouping_of_other_tasks(self, run, tmp_path):
        Grouping.of([["Weight"], ["Height"]]).save(tmp_path / "g.json")
        status, _, err = run("train", "linnerud", "--grouping", "g.json", "--epochs", 2)
        assert status == 2
        assert "'Height'" in err

    def test_a_report(self, run_json, tmp_path):
        data = run_json(
            *("report", "linnerud", "--budget", 2, "--grouper", "random", "--epochs", 2),
            *("--random-draws", 1, "--affinity-option", "n=5", "--out", tmp_path / "r.html"),
        )
        assert data["bytes"] == (tmp_path / "r.html").stat().st_size > 100_000

    def test_a_report_is_opened_and_written_anew(self, run, run_json, tmp_path):
        (tmp_path / "n.md").write_text("**mind** this")
        file = tmp_path / "r.md"
        run_json(
            *("report", "linnerud", "--budget", 2, "--grouper", "random", "--epochs", 2),
            *("--random-draws", 1, "--affinity-option", "n=5", "--out", tmp_path / "r.html"),
            *("--notes", tmp_path / "n.md", "--sections", "groups,results"),
        )
        found = run_json("report", "--open", tmp_path / "r.html")
        assert found["tasks"] == ["Weight", "Waist", "Pulse"]
        assert found["affinities"] == ["sca"]
        assert found["results"][0] == "chosen"
        status, out, _ = run("report", "--open", tmp_path / "r.html")
        assert status == 0
        assert "Which of the 3 tasks of linnerud" in out
        status, out, _ = run(
            *("report", "--open", tmp_path / "r.html", "--out", file, "--title", "Again"),
            *("--compare", "chosen,all-together", "--sections", "comparison,groups"),
        )
        assert status == 0
        text = file.read_text()
        assert text.startswith("# Again")
        assert "**mind** this" in text
        assert text.index("## Two plans compared") < text.index("## Groups")

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("report",), "Give either a collection to report on, or --open"),
            (("report", "linnerud", "--open", "x.html"), "Give either a collection"),
            (("report", "--open", "nowhere.html"), "There is no file nowhere.html"),
            (
                ("report", "linnerud", "--budget", 2, "--format", "doc"),
                "Unknown format of a report",
            ),
            (("report", "linnerud", "--budget", 2, "--sections", "x"), "Unknown section"),
            (("report", "linnerud", "--budget", 2, "--theme", "x"), "Unknown theme"),
            (
                ("report", "linnerud", "--budget", 2, "--out", "rep.xyz"),
                "rep.xyz does not say what format the report is to have: let its name end in one "
                "of .html, .pdf, .md, .zip",
            ),
            (("report", "linnerud", "--budget", 2, "--compare", "x"), "name two plans"),
            (("report", "linnerud", "--budget", 2, "--notes", "nowhere.md"), "Cannot read notes"),
        ],
    )
    def test_a_report_that_cannot_be_is_told(self, run, words, message):
        status, _, err = run(*words)
        assert status == 2
        assert message in err


class TestJobs:
    def test_from_start_to_delete(self, run, run_json, wait_until):
        started = run_json("affinity", "linnerud", "--n", 5, "--tasks", 2, "--background")
        assert started["state"] == "queued"
        key = started["id"]
        assert [job["id"] for job in run_json("jobs")] == [key]
        wait_until(lambda: run_json("jobs", "show", key)["state"] == "done")
        done = run_json("jobs", "show", key)
        assert set(done["result"]) == {"affinity", "cost"}
        assert "done" in done["log_tail"]
        same = run_json("affinity", "linnerud", "--n", 5, "--tasks", 2)
        assert same["key"] == done["result"]["affinity"]
        for words in (("jobs",), ("jobs", "list"), ("jobs", "show", key)):
            status, out, _ = run(*words)
            assert status == 0
            assert key in out
        status, _, err = run("jobs", "resume", key)
        assert status == 2
        assert "nothing left to resume" in err
        assert run_json("jobs", "cancel", key)["state"] == "done"
        assert run_json("jobs", "delete", key) == {"deleted": key}
        assert run_json("jobs", "list") == []

    def test_a_training_in_the_background_is_cancelled(self, run, run_json, wait_until, tmp_path):
        Grouping.of([["Weight", "Waist", "Pulse"]]).save(tmp_path / "g.json")
        status, out, _ = run(
            *("train", "linnerud", "--grouping", "g.json", "--background"),
            *("--epochs", 100000, "--patience", 0),
        )
        assert status == 0
        key = re.search(r"Job (\w+) is queued", out).group(1)
        wait_until(lambda: run_json("jobs", "show", key)["points"])
        run_json("jobs", "cancel", key)
        wait_until(lambda: run_json("jobs", "show", key)["state"] == "cancelled", 10)
        assert JobStore().running() == []


class TestWords:
    def test_names(self):
        assert names("a, b,,c ") == ["a", "b", "c"]
        assert names('["a,b", "c"]') == ["a,b", "c"]
        assert names("[odd") == ["[odd"]

    def test_task_choice(self):
        assert task_choice("8") == 8
        assert task_choice("8,") == ["8"]
        assert task_choice("") is None
        assert task_choice("²") == ["²"]

    def test_pairs(self):
        assert pairs(["a=b=c"], "--option") == {"a": "b=c"}
        assert pairs(["a=b=binary"], "--kind") == {"a=b": "binary"}
        with pytest.raises(TaskvizError, match="name=value"):
            pairs(["=b"], "--option")

    @pytest.mark.parametrize(
        ("host", "local"),
        [
            ("localhost", True),
            ("127.0.0.1", True),
            ("::1", True),
            ("127.1.2.3", True),
            ("0.0.0.0", False),
            ("::", False),
            ("192.168.1.5", False),
            ("gpu-server", False),
        ],
    )
    def test_is_local(self, host, local):
        assert is_local(host) is local


class TestCommand:
    def test_help_of_every_command(self, run):
        status, out, _ = run("--help")
        assert status == 0
        for name in COMMANDS:
            assert name in out
            assert run(name, "--help")[0] == 0

    def test_help_of_train_names_every_training_option(self, run):
        from dataclasses import fields

        from taskviz.training.options import TrainingOptions

        # A narrow terminal breaks a long name after a hyphen.
        whole = re.sub(r"(?<=\w-)\n\s+", "", run("train", "--help")[1])
        told = set(re.findall(r"--[\w-]+", whole))
        assert {f"--{field.name.replace('_', '-')}" for field in fields(TrainingOptions)} <= told

    def test_version(self, run):
        import taskviz

        assert run("--version") == (0, f"{taskviz.__version__}\n", "")

    def test_as_a_module(self):
        done = command("collections", "--json")
        assert done.returncode == 0
        assert done.stderr == ""
        assert len(json.loads(done.stdout)) >= 3

    def test_an_unexpected_error_shows_no_traceback(self, run, monkeypatch):
        def fail(*arguments, **options):
            raise ZeroDivisionError("deep")

        monkeypatch.setattr("taskviz.verbs.compute_affinity", fail)
        status, out, err = run("affinity", "linnerud", "--json")
        assert status == 1
        assert "ZeroDivisionError" in json.loads(out)["error"]
        assert "Traceback" not in err
        monkeypatch.setenv("TASKVIZ_DEBUG", "1")
        with pytest.raises(ZeroDivisionError):
            main(["affinity", "linnerud"])

    def test_ctrl_c_says_cancelled(self, wait_until, tmp_path):
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "taskviz", "train", "linnerud", "--budget", "1"),
                *("--grouper", "random", "--epochs", "100000", "--patience", "0", "--json"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        # The affinity is there, so it trains.
        wait_until(lambda: list((tmp_path / "cache").glob("affinity/*/*/manifest.json")))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, (out, err)
        assert err == "Cancelled\n"
        assert json.loads(out) == {"error": "Cancelled"}

    def test_a_closed_pipe_is_no_error(self):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m taskviz collections --json | true"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.stderr == ""

    def test_a_terminal_shows_a_bar_with_the_time_left(self):
        pid, terminal = pty.fork()
        if pid == 0:  # pragma: no cover - the child
            os.chdir(ROOT)
            os.environ["TERM"] = "xterm"
            arguments = ["affinity", "digits", "--n", "60", "--inits", "6", "--json"]
            os.execv(sys.executable, [sys.executable, "-m", "taskviz", *arguments])
        shown = b""
        while select.select([terminal], [], [], 60)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.waitpid(pid, 0)
        text = shown.decode(errors="replace")
        assert "SCA" in text
        assert re.search(r"\d+%", text)
        assert "left" in text

    def test_names_cannot_command_a_terminal(self, run, tmp_path):
        names = ("\x1b[31mred", "[bold]b[/bold]")
        AffinityMatrix(np.eye(2), names, "x").save(tmp_path / "m.json")
        status, out, _ = run("group", "m.json", "--method", "random", "--budget", 1)
        assert status == 0
        assert "\x1b" not in out
        assert "[bold]b[/bold]" in out


def test_the_app_serves_on_this_machine_only(wait_until):
    import socket
    from urllib.request import urlopen

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "taskviz", "app", "--port", str(port), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )

    def healthy():
        assert process.poll() is None, process.stderr.read()
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        wait_until(healthy, 60, 0.2)
        import psutil

        listening = {
            c.laddr.ip
            for c in psutil.Process(process.pid).net_connections()
            if c.status == "LISTEN"
        }
        assert listening <= {"127.0.0.1", "::1"}
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert json.loads(out)["url"] == f"http://localhost:{port}"
    assert "WARNING" not in err


def test_the_app_opened_to_others_says_so_loudly(monkeypatch, run):
    called = []
    monkeypatch.setattr("os.execve", lambda *arguments: called.append(arguments))
    monkeypatch.setattr("subprocess.run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    _, _, err = run("app", "--host", "0.0.0.0", "--port", 9000)
    assert "WARNING" in err
    assert "9000" in err
    (_, words, environment) = called[0]
    assert "--server.address=0.0.0.0" in words
    assert "--browser.gatherUsageStats=false" in words
    assert str(ROOT) in environment["PYTHONPATH"]


def test_a_matrix_that_lacks_a_row_is_told_so(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(",a,b,c\na,1,2,3\nb,4,5,6\n")
    status, _, err = run("group", path, "--method", "selection", "--budget", 2)
    assert status == 2
    assert "mine.csv has 2 rows and 3 columns of values: a square matrix" in err
