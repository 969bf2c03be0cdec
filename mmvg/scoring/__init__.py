"""Score answers of any model, from a file, without the model and without PyTorch; see docs/scoring.md.

====================  ================================================================================
module                does
====================  ================================================================================
``declaration``       unit, frame, layout and rule, and the way to original pixels
``text_formats``      boxes out of the text of language models
``answers``           from one line of JSON to an answer in original pixels
``answer_file``       finds the answer to an expression in a file of any length
``truth``             the expressions of a config, a data set or JSON lines
``samples``           truth and answer as metrics read them
``protocols``         metrics with their settings, by name
``scorer``            scores expressions, in one process or several
``running_scores``    exact sums in constant memory
``report``            all of it, and what has to be said with the numbers
``per_sample``        what every expression adds to each number, from which two models are compared
====================  ================================================================================
"""

from mmvg.scoring.answer_file import AnswerFile
from mmvg.scoring.answers import AnswerError, AnswerReader, ForeignAnswer
from mmvg.scoring.declaration import Declaration, DeclarationError, Frame
from mmvg.scoring.per_sample import PER_SAMPLE_VERSION, PerSampleWriter, SampleRow, read_per_sample, write_per_sample
from mmvg.scoring.protocols import PROTOCOLS, build_protocol
from mmvg.scoring.report import MisfitError, ScoreReport, score_answers
from mmvg.scoring.text_formats import TEXT_FORMATS, ParsedText, UnparsedTextError
from mmvg.scoring.truth import DATA_SETS, Truth, TruthSample, open_truth

__all__ = [
    'DATA_SETS',
    'PER_SAMPLE_VERSION',
    'PROTOCOLS',
    'TEXT_FORMATS',
    'AnswerError',
    'AnswerFile',
    'AnswerReader',
    'Declaration',
    'DeclarationError',
    'ForeignAnswer',
    'Frame',
    'MisfitError',
    'ParsedText',
    'PerSampleWriter',
    'SampleRow',
    'ScoreReport',
    'Truth',
    'TruthSample',
    'UnparsedTextError',
    'build_protocol',
    'open_truth',
    'read_per_sample',
    'score_answers',
    'write_per_sample',
]
