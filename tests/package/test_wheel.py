"""The wheel, built from the source archive and installed where the checkout cannot be seen."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser.app_process import start_app, stop_app
from browser.steps import settled
from playwright.sync_api import Browser, expect

from taskviz.ui.pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "MANIFEST.in",
    "LICENSE",
    "README.md",
    "app.py",
    "pyproject.toml",
    "requirements.txt",
    "requirements-export.txt",
    "server.py",
    "setup.py",
)
FOLDERS = ("taskviz", "app_pages", ".streamlit")


@dataclass(frozen=True)
class Installed:
    """A wheel, and an environment that holds it and sees the dependencies, but not the checkout."""

    wheel: Path
    python: Path
    folder: Path
    """An empty one, to stand in."""

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, away from the checkout."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TASKVIZ_"))}
        return subprocess.run(
            [str(self.python.parent / command[0]), *command[1:]],
            cwd=self.folder,
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Source archive → wheel → environment."""
    base = tmp_path_factory.mktemp("package")
    tree = base / "tree"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        shutil.copy2(ROOT / name, tree / name)

    def done(*command: str | Path, folder: Path = base) -> None:
        ran = subprocess.run(
            list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(base)!r})"
    done(sys.executable, "-c", build, folder=tree)
    (archive,) = base.glob("taskviz-*.tar.gz")
    quiet = ("--no-deps", "--quiet", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip")
    done(*pip, "wheel", *quiet, "--no-build-isolation", "--wheel-dir", base, archive)
    (wheel,) = base.glob("taskviz-*.whl")
    venv.create(base / "env", symlinks=True)
    python = base / "env" / "bin" / "python"
    done(*pip, "--python", python, "install", *quiet, "--no-compile", "--no-index", wheel)
    # A folder named in a .pth file is searched; .pth files within it (the checkout's) are not read.
    (site,) = (base / "env" / "lib").glob("python*/site-packages")
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(sorted(dependencies)), encoding="utf-8")
    (base / "elsewhere").mkdir()
    return Installed(wheel, python, base / "elsewhere")


def test_the_wheel_holds_every_file_of_package_and_dashboard(installed: Installed) -> None:
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "taskviz").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    dashboard = {
        f"taskviz/dashboard/{path.relative_to(ROOT)}"
        for path in (
            ROOT / "app.py",
            ROOT / "server.py",
            ROOT / ".streamlit/config.toml",
            *ROOT.glob("app_pages/*.py"),
        )
    }
    held = {
        name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info" not in name
    }
    assert held == package | dashboard


def test_what_runs_is_the_wheel_and_nothing_of_the_checkout(installed: Installed) -> None:
    look = "import json, sys, taskviz; print(json.dumps([taskviz.__file__, sys.path]))"
    ran = installed.run("python", "-c", look)
    assert ran.returncode == 0, ran.stderr
    file, path = json.loads(ran.stdout)
    assert Path(file).is_relative_to(installed.python.parents[1])
    assert str(ROOT) not in path


def test_commands_work_from_another_folder(installed: Installed, tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path)}
    listed = installed.run("taskviz", "collections", "--json", **home)
    assert listed.returncode == 0, listed.stderr
    assert {"digits", "yeast"} <= {entry["name"] for entry in json.loads(listed.stdout)}
    words = ("affinity", "digits", "--method", "label-correlation", "--json")
    measured = installed.run("taskviz", *words, **home)
    assert measured.returncode == 0, measured.stderr
    assert len(json.loads(measured.stdout)["values"]) == 10
    # Without a checkout results go to the user's cache folder, not beside the installed package.
    assert any((tmp_path / "taskviz").iterdir())


def test_a_job_runs_in_a_process_of_its_own(installed: Installed, tmp_path: Path) -> None:
    job = """
import time
from taskviz.jobs import JobStore, start_job
store = JobStore()
spec = {"collection": {"reference": "linnerud"}, "method": "label-correlation"}
job = start_job("affinity", spec, store=store)
end = time.monotonic() + 240
while store.get(job.id).live and time.monotonic() < end:
    time.sleep(0.1)
print(store.get(job.id).state, store.get(job.id).error)
"""
    ran = installed.run("python", "-c", job, TASKVIZ_CACHE=str(tmp_path / "cache"))
    assert ran.stdout.split() == ["done"], ran.stdout + ran.stderr


@pytest.fixture
def url(installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    app = start_app(tmp_path / "cache", python=str(installed.python), folder=installed.folder)
    yield app.url
    stop_app(app)


@pytest.mark.browser
def test_every_page_opens_with_its_theme_and_logo(url: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(60_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for entry in PAGES:
        page.goto(f"{url}/{entry.name}")
        heading = page.get_by_role("heading", name=entry.title, level=1)
        expect(heading).to_be_visible(timeout=120_000)
        settled(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
    logo = page.get_by_test_id("stSidebarLogo")
    assert logo.evaluate("image => image.naturalWidth") > 0
    sidebar = page.get_by_test_id("stSidebar")
    colour = sidebar.evaluate("element => getComputedStyle(element).backgroundColor")
    assert colour == "rgb(243, 246, 247)"  # of .streamlit/config.toml, no default of Streamlit's
    assert errors == []
    context.close()
