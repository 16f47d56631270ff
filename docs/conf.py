"""The documentation site: ``make docs`` writes it to docs/_build. Nothing is fetched."""

import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

from taskviz import __version__  # noqa: E402

project = "taskviz"
author = "taskviz contributors"
project_copyright = "taskviz contributors, MIT licence"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "offline_math"]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["dollarmath", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # a test executes the notebook; the site shows what is stored in it
suppress_warnings = ["misc.highlighting_failure"]  # "…" in an example is meant for people

napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"taskviz {release}"
html_logo = "../taskviz/ui/assets/mark.svg"
html_favicon = "../taskviz/ui/assets/mark.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e75", "color-brand-content": "#0b6e75"},
    "dark_css_variables": {"color-brand-primary": "#6fd0d6", "color-brand-content": "#6fd0d6"},
}

COMMAND_LINE = HERE / "reference" / "command_line.md"


def write_command_line(app: Sphinx) -> None:
    """Have typer describe every command, so that the page cannot fall behind."""
    command = [sys.executable, "-m", "typer", "--app", "program", "taskviz.cli.program"]
    words = ["utils", "docs", "--name", "taskviz", "--title", "Command line"]
    run = subprocess.run([*command, *words], cwd=HERE.parent, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"typer could not describe the commands:\n{run.stderr}")
    # Sphinx reads a page again only where it changed.
    if not COMMAND_LINE.exists() or COMMAND_LINE.read_text(encoding="utf-8") != run.stdout:
        COMMAND_LINE.write_text(run.stdout, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", write_command_line)
