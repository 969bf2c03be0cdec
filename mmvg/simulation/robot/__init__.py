"""A robot at a simulated table: from a sentence to a pick, and a benchmark of picks.

An iiwa 14 with a 2F-85 and a camera at its wrist looks at the table, asks somebody what a sentence means and how to
take it, plans with what the camera measured, and carries the plan out in MuJoCo. Needs the extra ``sim``.
"""

from .answers import BASELINES, ORACLES, SPOILS, PickAnswer, Question, make_answerer
from .attempt import Trial, try_sentence
from .benchmark import NOTHING, Benchmark, TrialRecord, run_benchmark
from .cell import RobotCell
from .model import ROBOTS
from .outcome import Attempt, Outcome
from .questions import read_sentence

__all__ = [
    'BASELINES',
    'NOTHING',
    'ORACLES',
    'ROBOTS',
    'SPOILS',
    'Attempt',
    'Benchmark',
    'Outcome',
    'PickAnswer',
    'Question',
    'RobotCell',
    'Trial',
    'TrialRecord',
    'make_answerer',
    'read_sentence',
    'run_benchmark',
    'try_sentence',
]
