"""What pyproject.toml cannot say: the dashboard's scripts go into the package of a wheel.

`server.py`, `app.py`, `app_pages/` and `.streamlit/` lie at the top of a checkout, where Streamlit
looks for them. A wheel carries them as `taskviz/dashboard/`, so that `taskviz app` finds them
anywhere.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithDashboard(build_py):
    """``build_py``, then the dashboard's files beside what it built."""

    def run(self) -> None:
        """Build the package; copy the dashboard unless the checkout itself is being installed."""
        super().run()
        for source, target in self._dashboard():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file built, for whoever asks."""
        copied = [str(target) for _, target in self._dashboard()]
        return [*super().get_outputs(include_bytecode), *copied]

    def _dashboard(self) -> list[tuple[Path, Path]]:
        if self.editable_mode:
            return []
        scripts = [ROOT / "server.py", ROOT / "app.py", *sorted((ROOT / "app_pages").glob("*.py"))]
        sources = [*scripts, ROOT / ".streamlit" / "config.toml"]
        target = Path(self.build_lib) / "taskviz" / "dashboard"
        return [(source, target / source.relative_to(ROOT)) for source in sources]


setup(cmdclass={"build_py": BuildWithDashboard})
