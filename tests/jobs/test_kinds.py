import dataclasses

import numpy as np
import pytest

from taskviz.affinity.reliability import reliability
from taskviz.cache import Cache
from taskviz.jobs.kinds import KINDS, parse_spec
from taskviz.progress import SILENT
from taskviz.values import AffinityMatrix, TaskvizError
from taskviz.verbs import group_tasks, import_scores, read_affinity, read_stability

REF = {"reference": "linnerud"}
GROUPS = {"groups": [["Weight", "Waist"], ["Pulse"]]}
PLAN = {**GROUPS, "method": "selection", "budget": 2}


def test_an_affinity_spec_is_filled_up():
    spec = parse_spec("affinity", {"collection": REF, "options": {"n": "7"}})
    plain = spec.to_json()
    assert plain["method"] == "sca"
    assert plain["options"]["n"] == 7
    assert plain["options"]["inits"] == 1
    assert plain["collection"]["split_seed"] == 0
    assert parse_spec("affinity", plain).to_json() == plain


def test_a_training_spec_is_filled_up():
    spec = parse_spec("training", {"collection": REF, "grouping": GROUPS})
    plain = spec.to_json()
    assert plain["baselines"] is True
    assert plain["weighting"] == "equal"
    assert plain["grouping"]["serving"] == {"Weight": 0, "Waist": 0, "Pulse": 1}
    assert parse_spec("training", plain).to_json() == plain
    assert spec.title == "Training of linnerud: 2 groups and its baselines, 3 seeds"
    # A comparison is over three seeds; a training by itself over one.
    alone = parse_spec("training", {"collection": REF, "grouping": GROUPS, "baselines": False})
    assert (plain["seeds"], alone.to_json()["seeds"]) == (3, 1)
    # What is not named stays open: the data tell what suits them.
    named = {"collection": REF, "grouping": GROUPS, "options": {"batch-size": "8"}}
    assert parse_spec("training", named).to_json()["options"] == {"batch_size": 8}
    paper = parse_spec("training", {"collection": REF, "paper": True})
    assert paper.title == "Comparison of the SCA paper on linnerud, 3 seeds"


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("report", {"collection": REF}, "Unknown kind of job 'report'"),
        ("affinity", {}, "needs a collection"),
        ("affinity", {"collection": "linnerud"}, "needs a collection"),
        (
            "affinity",
            {"collection": REF, "command": "rm"},
            "Unknown entry 'command' of the",
        ),
        ("affinity", {"collection": REF, "method": "os:system"}, "Unknown affinity method"),
        ("affinity", {"collection": REF, "options": {"cache": "x"}}, "Unknown option"),
        ("affinity", {"collection": REF, "options": {"n": 0}}, "from 1"),
        ("affinity", {"collection": REF, "options": [1]}, "'options'"),
        ("affinity", {"collection": REF, "seed": -1}, "'seed'"),
        ("affinity", {"collection": REF, "seed": True}, "'seed'"),
        ("affinity", {"collection": REF, "repeats": 0}, "'repeats'"),
        ("affinity", {"collection": REF, "repeats": "5"}, "'repeats'"),
        ("affinity", {"collection": {"reference": 3}}, "reference"),
        ("linearisation", {"collection": REF, "subsets": 0}, "'subsets'"),
        ("linearisation", {"collection": REF, "options": {"n": 3}}, "Unknown option"),
        ("training", {"collection": REF}, "needs a grouping"),
        ("training", {"collection": REF, "grouping": {"groups": []}}, "grouping"),
        ("training", {"collection": REF, "grouping": {"groups": [[]]}}, "empty"),
        ("training", {"collection": REF, "grouping": GROUPS, "weighting": "x"}, "weighting"),
        ("training", {"collection": REF, "grouping": GROUPS, "random_draws": 1e3}, "random_draws"),
        ("training", {"collection": REF, "grouping": GROUPS, "options": {"epochs": "a"}}, "epochs"),
        ("stability", {"grouping": GROUPS}, "key of the scores"),
        ("stability", {"scores": "ab"}, "needs a grouping"),
        ("stability", {"scores": "ab", "grouping": GROUPS}, "made by hand"),
        ("stability", {"scores": "ab", "grouping": PLAN, "draws": 1}, "'draws'"),
        ("stability", {"scores": "ab", "grouping": PLAN, "noise": -1}, "'noise'"),
        ("stability", {"scores": "ab", "grouping": PLAN, "costs": {"unit": "macs"}}, "no prices"),
        ("stability", {"scores": "ab", "grouping": PLAN, "options": {"x": 1}}, "no options"),
    ],
)
def test_a_bad_spec_gets_one_sentence(kind, spec, words):
    with pytest.raises(TaskvizError, match=words):
        parse_spec(kind, spec)


@pytest.mark.parametrize(
    ("kind", "option", "title"),
    [
        ("optima", "perplexity", "Map of optima of linnerud"),
        ("landscape", "probes", "Landscape of linnerud"),
        ("dynamics", "every", "Affinities over a training on linnerud"),
    ],
)
def test_the_specs_that_show_why_are_filled_up(kind, option, title):
    spec = parse_spec(kind, {"collection": REF, "options": {"n": "7"}})
    assert spec.title == title
    assert spec.options["n"] == 7
    assert option in spec.options
    assert parse_spec(kind, spec.to_json()).to_json() == spec.to_json()
    with pytest.raises(TaskvizError, match="Unknown option"):
        parse_spec(kind, {"collection": REF, "options": {"command": 1}})


def test_a_path_stands_on_its_own(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    spec = parse_spec("affinity", {"collection": {"reference": "mine.csv"}})
    assert spec.ref.reference == str(tmp_path / "mine.csv")
    assert spec.title == "Affinity of mine by sca"
    # A built-in's name is no path, even where a file is called so.
    (tmp_path / "linnerud").write_text("")
    assert parse_spec("affinity", {"collection": REF}).ref.reference == "linnerud"


def test_every_kind_is_named_after_itself():
    for name, kind in KINDS.items():
        assert kind.kind == name
        assert dataclasses.is_dataclass(kind)


def test_an_affinity_of_several_repeats_is_stored_with_its_reliability(tmp_path):
    spec = parse_spec("affinity", {"collection": REF, "method": "random", "repeats": 3})
    assert spec.title == "Affinity of linnerud by random, 3 times"
    cache = Cache(tmp_path)
    key = spec.run("cpu", SILENT, cache)["affinity"]
    matrix = read_affinity(key, cache)
    assert matrix.options["repeats"] == 3
    assert reliability(matrix).repeats == 3
    once = parse_spec("affinity", {"collection": REF, "method": "random"})
    assert read_affinity(once.run("cpu", SILENT, cache)["affinity"], cache).reliability is None


def test_a_stability_job_works_on_imported_scores(tmp_path):
    values = [[0.0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 0, 2], [0, 0, 2, 0]]
    matrix = AffinityMatrix(np.array(values), tuple("abcd"), "mine")
    cache = Cache(tmp_path / "cache")
    path = matrix.save(tmp_path / "mine.csv")
    key = import_scores(path.read_bytes(), path.name, cache)
    plan = group_tasks(matrix, "selection", budget=2)
    given = {"scores": key, "grouping": plan.to_json(), "draws": 10, "noise": 0.01}
    spec = parse_spec("stability", given)
    assert spec.collection == {}
    assert parse_spec("stability", spec.to_json()).to_json() == spec.to_json()
    result = spec.run("cpu", SILENT, cache)
    found = read_stability(result["stability"], cache)
    assert found.share == 1.0
    assert found.chosen.groups == (("a", "b"), ("c", "d"))
    gone = parse_spec("stability", {**given, "scores": "i-" + "0" * 64})
    with pytest.raises(TaskvizError, match="import them again"):
        gone.run("cpu", SILENT, cache)
