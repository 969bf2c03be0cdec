"""What a check counts in each split."""

from dataclasses import dataclass, field


@dataclass
class Counts:
    """What one split of a file holds."""

    refs: int = 0
    sentences: int = 0
    no_target: int = 0
    images: set[int | str] = field(default_factory=set)
