"""How Sphinx makes the site of docs/, for `make docs`: strict, and without anything from the network."""

import os
import re

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _release() -> str:
    with open(os.path.join(_ROOT, "envfs", "__init__.py"), encoding="utf-8") as file:
        match = re.search(r'^__version__ = "(.+)"', file.read(), re.MULTILINE)
    return match[1] if match else ""


project = "EnvFS"
author = "the EnvFS authors"
release = version = _release()
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
exclude_patterns = ["changes", "man"]
nitpicky = True

# Markdown as GitHub reads it, so that a page is the same in both places: anchors of headings as there.
myst_heading_anchors = 4
myst_links_external_new_tab = False

smartquotes = False  # `--only` in prose stays what it is

html_theme = "furo"
html_title = f"EnvFS {release}"
html_static_path = ["_static"]
html_css_files = ["envfs.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"

# A block of a session is copied without its prompts and without what was printed.
copybutton_prompt_text = r"^(?:[a-z]+)?[$#] "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
