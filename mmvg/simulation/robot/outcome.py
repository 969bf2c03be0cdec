"""How an attempt ended, by its cause."""

from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """What became of a sentence; ``PLACED`` and ``REFUSED`` are successes."""

    PLACED = 'placed'  #: the object that was meant, and nothing else, lies in the bin
    REFUSED = 'refused'  #: the sentence means nothing on the table, and nothing was picked
    NO_ANSWER = 'no answer'  #: the model says that nothing is meant, but something is
    WRONG_OBJECT = 'wrong object'  #: the grasp was on, or took, something else than what was meant
    NO_POSE = 'no pose'  #: no grasp, none with depth under it, or none that the gripper can open for
    UNREACHABLE = 'unreachable'  #: the arm has no joint angles for it
    COLLISION = 'collision'  #: something is, or was met, in the way
    SLIPPED = 'slipped'  #: the fingers closed, and the object was not lifted
    DROPPED = 'dropped'  #: lifted, and lost before the bin


SUCCESSES = (Outcome.PLACED, Outcome.REFUSED)


@dataclass(frozen=True)
class Attempt:
    """An attempt and its end.

    Args:
        outcome: How it ended.
        detail: One sentence about why.
        taken: Index of the object that was lifted, or None.
    """

    outcome: Outcome
    detail: str = ''
    taken: int | None = None

    @property
    def success(self) -> bool:
        """Whether that is what the sentence asked for."""
        return self.outcome in SUCCESSES
