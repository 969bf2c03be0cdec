"""What writers get: a table, its picture, and the grasps that lifted."""

from dataclasses import dataclass

import numpy as np

from ..grasps import TableGrasp
from ..render import TableView
from ..scene import TableScene


@dataclass(frozen=True, eq=False)
class FinishedTable:
    """A table with everything that is written about it.

    Args:
        index: Its number, counted over all splits.
        split: ``'train'``, ``'val'`` or ``'test'``.
        scene: The table.
        view: Its picture; depth may be noisy.
        grasps: Per object, those that lifted it.
    """

    index: int
    split: str
    scene: TableScene
    view: TableView
    grasps: list[list[TableGrasp]]

    def grasps_of(self, index: int, part: str | None = None) -> np.ndarray:
        """Grasps (M, 5) of one object, or of a part of it."""
        own = [grasp for grasp, where in self.grasps[index] if part in (None, where)]
        return np.array(own, dtype=float).reshape(-1, 5)
