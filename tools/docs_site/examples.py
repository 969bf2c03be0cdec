"""Extension of Griffe, which reads the docstrings for the site: examples and references are shown as code.

Griffe knows the section ``Examples``; ``Example`` would be a note, whose text is read as Markdown, and so would the
roles of Sphinx (``:class:`Name```).
"""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r':(?:class|func|meth|attr|mod|data):`~?([^`]+)`')
_SECTION = re.compile(r'^(\s*)Example:$', re.MULTILINE)


class ShowExamples(Extension):
    """Rewrites every docstring."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Change the docstring of one class, function or module."""
        if obj.docstring is not None:
            text = _SECTION.sub(r'\1Examples:', obj.docstring.value)
            obj.docstring.value = _ROLE.sub(r'`\1`', text)
