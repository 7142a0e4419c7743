"""Sphinx: furo for the looks, MyST for the text. Builds without a network: nothing is fetched."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from rushlight._version import __version__, pytorch_version

project = "Rushlight"
author = "The Rushlight authors"
copyright = "2026, the Rushlight authors"
version = release = __version__

extensions = [
    "myst_nb",  # MyST, and cells that are run at build; brings myst_parser
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext"}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {"pytorch_version": pytorch_version}
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

autodoc_member_order = "bysource"
autodoc_typehints = "description"
default_role = "any"
nitpicky = False

html_theme = "furo"
html_title = f"Rushlight {__version__}"
html_theme_options = {"source_directory": "docs/"}
