"""Is model B better than model A? Scores of the same expressions side by side, as numbers, a page and tables.

``tables`` reads and pairs what the models scored, ``compare`` draws the conclusions, ``page`` and ``files`` write them;
``pictures`` draws what the models answered. Without pictures nothing here needs PyTorch. See docs/comparing.md.
"""

from mmvg.analysis.comparison.compare import Comparison, GroupLine, SampleLine, ScoreLine, compare_tables
from mmvg.analysis.comparison.files import write_comparison
from mmvg.analysis.comparison.page import comparison_page
from mmvg.analysis.comparison.tables import MismatchError, ScoreTable, pair_tables

__all__ = [
    'Comparison',
    'GroupLine',
    'MismatchError',
    'SampleLine',
    'ScoreLine',
    'ScoreTable',
    'compare_tables',
    'comparison_page',
    'pair_tables',
    'write_comparison',
]
