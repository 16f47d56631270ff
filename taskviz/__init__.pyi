from taskviz.values import (
    TaskvizError as TaskvizError,
)
from taskviz.verbs import (
    compare_estimators as compare_estimators,
)
from taskviz.verbs import (
    compare_groupings as compare_groupings,
)
from taskviz.verbs import (
    compute_affinity as compute_affinity,
)
from taskviz.verbs import (
    does_grouping_matter as does_grouping_matter,
)
from taskviz.verbs import (
    group_tasks as group_tasks,
)
from taskviz.verbs import (
    load_collection as load_collection,
)
from taskviz.verbs import (
    load_result as load_result,
)
from taskviz.verbs import (
    measure_reliability as measure_reliability,
)
from taskviz.verbs import (
    recommend as recommend,
)
from taskviz.verbs import (
    train_groups as train_groups,
)
from taskviz.verbs import (
    write_report as write_report,
)

__version__: str
