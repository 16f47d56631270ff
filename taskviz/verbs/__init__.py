"""The steps of the way, one function each: load, measure, group, train, report.

Heavy libraries are imported inside the functions, so that this room opens at once.
"""

from taskviz.verbs.affinity import (
    affinity_key,
    compute_affinity,
    fit_estimator,
    read_affinity,
    stored_affinities,
    stored_estimators,
)
from taskviz.verbs.answer import (
    StoredAnswer,
    does_grouping_matter,
    first_guess,
    read_answer,
    recommend,
    stored_answers,
)
from taskviz.verbs.calibration import read_calibration, record_calibration
from taskviz.verbs.dynamics import dynamics_key, read_dynamics, study_dynamics
from taskviz.verbs.evidence import (
    StoredEvidence,
    compare_estimators,
    evidence_key,
    read_evidence,
    stored_evidence,
)
from taskviz.verbs.grouping import (
    contenders,
    group_frontier,
    group_tasks,
    kept_frontier,
    price_groups,
)
from taskviz.verbs.imports import import_scores, stored_scores
from taskviz.verbs.linearisation import (
    linearisation_key,
    stored_linearisations,
    study_linearisation,
)
from taskviz.verbs.loading import check_tasks, load_collection
from taskviz.verbs.optima import (
    landscape_key,
    map_optima,
    optima_map_key,
    read_landscape,
    read_optima_map,
    study_landscape,
)
from taskviz.verbs.paper import paper_comparison, paper_contenders, paper_grouping
from taskviz.verbs.repeats import measure_reliability, reliability_key
from taskviz.verbs.reporting import open_report, write_report
from taskviz.verbs.sample_size import read_sample_size, sample_size_key, study_sample_size
from taskviz.verbs.stability import (
    how_redrawn,
    read_stability,
    stability_key,
    study_stability,
)
from taskviz.verbs.stored import Stored, StoredTraining
from taskviz.verbs.training import (
    check_training,
    compare_groupings,
    load_result,
    read_training,
    seed_list,
    stored_trainings,
    train_groups,
    training_key,
)

__all__ = [
    "Stored",
    "StoredAnswer",
    "StoredEvidence",
    "StoredTraining",
    "affinity_key",
    "check_tasks",
    "check_training",
    "compare_estimators",
    "compare_groupings",
    "compute_affinity",
    "contenders",
    "does_grouping_matter",
    "dynamics_key",
    "evidence_key",
    "first_guess",
    "fit_estimator",
    "group_frontier",
    "group_tasks",
    "how_redrawn",
    "import_scores",
    "kept_frontier",
    "landscape_key",
    "linearisation_key",
    "load_collection",
    "load_result",
    "map_optima",
    "measure_reliability",
    "open_report",
    "optima_map_key",
    "paper_comparison",
    "paper_contenders",
    "paper_grouping",
    "price_groups",
    "read_affinity",
    "read_answer",
    "read_calibration",
    "read_dynamics",
    "read_evidence",
    "read_landscape",
    "read_optima_map",
    "read_sample_size",
    "read_stability",
    "read_training",
    "recommend",
    "record_calibration",
    "reliability_key",
    "sample_size_key",
    "seed_list",
    "stability_key",
    "stored_affinities",
    "stored_answers",
    "stored_estimators",
    "stored_evidence",
    "stored_linearisations",
    "stored_scores",
    "stored_trainings",
    "study_dynamics",
    "study_landscape",
    "study_linearisation",
    "study_sample_size",
    "study_stability",
    "train_groups",
    "training_key",
    "write_report",
]
