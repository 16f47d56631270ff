"""Workers that start at once, for tests that start them by the dozen."""

import pytest
from faults.fork_server import ForkServer

from taskviz.jobs import launcher


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = ForkServer(tmp_path_factory.mktemp("notes") / "computed.txt")
    yield running
    running.close()


@pytest.fixture
def forks(server, monkeypatch):
    monkeypatch.setattr(launcher, "_spawn", server.spawn)
    return server
