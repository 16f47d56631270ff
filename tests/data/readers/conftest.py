"""What several tests of readers share."""

import pytest

from taskviz.cache import Cache
from taskviz.data import open_path


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def errors(cache):
    def found(path, **options):
        return [p.message for p in open_path(path, cache, thorough=True, **options).findings.errors]

    return found
