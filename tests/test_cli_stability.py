"""``taskviz stability``: would the groups come back?"""

import json

import numpy as np
import pytest

from taskviz.cli import main
from taskviz.values import AffinityMatrix


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TASKVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = main([str(word) for word in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_a_matrix_of_ones_own(run):
    values = np.kron(np.eye(2), np.ones((2, 2)))
    AffinityMatrix(values, tuple("abcd"), "mine").save("m.csv")
    words = ("stability", "m.csv", "--method", "lloyd", "--budget", 2, "--draws", 12)
    status, _, err = run(*words)
    assert status == 2
    assert "has no standard errors" in err
    status, out, err = run(*words, "--noise", 0.01, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["share"], found["draws"], found["rivals"]) == (1.0, 12, [])
    assert found["chosen"]["groups"] == [["a", "b"], ["c", "d"]]
    assert "standard deviation 0.01" in found["notes"][0]


def test_a_collection_is_drawn_as_its_estimator_offers(run):
    words = ("stability", "linnerud", "--affinity", "gradient-cosine", "--method", "selection")
    words += ("--affinity-option", "inits=5", "--budget", 2, "--draws", 20)
    status, out, err = run(*words, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert "5 initial states are drawn again" in found["notes"][0]
    assert found["share"] + sum(r["share"] for r in found["rivals"]) == pytest.approx(1)
    status, again, _ = run(*words, "--json")
    assert json.loads(again) == found
    status, out, err = run(*words)
    assert status == 0, err
    assert "20 redraws" in out
    assert "chosen" in out
    assert "Note: The 5 initial states" in out
