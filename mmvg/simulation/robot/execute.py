"""Carrying a plan out: approach, close until force, lift, carry, let go; and how it ended."""

from collections.abc import Callable

import numpy as np

from .cell import RobotCell
from .model import JOINT_SPEEDS, STROKE
from .outcome import Attempt, Outcome
from .plan import PickPlan

SPEED = 0.8  # share of the largest joint speeds
DESCENT_SPEED = 0.12
CARRYING_SPEED = 0.35
GUARD = 40.0  # newtons on the way down at which the arm stops
GRIP = 25.0  # newtons of each pad at which the fingers hold
CONTROL = 0.01  # seconds between two commands
CLOSING_SPEED = 0.15  # metres per second
_SETTLE = 0.15  # seconds
_LETTING_GO = 0.5  # seconds
_LIFTED = 0.05  # metres that an object has to rise
Watch = Callable[[RobotCell], None]


def execute(cell: RobotCell, plan: PickPlan, targets: set[int], watch: Watch | None = None) -> Attempt:
    """Carry out a plan and say how it ended.

    Args:
        cell: With the arm where the plan begins.
        plan: What to do.
        targets: Indices of the objects that are meant; one of them is to be placed.
        watch: Called every ``CONTROL`` seconds, for films.
    """
    run = _Run(cell, watch)
    before = run.heights()
    run.follow(plan.approach, SPEED, plan.opening)
    if not run.follow(plan.descent, DESCENT_SPEED, plan.opening, guarded=True):
        return Attempt(Outcome.COLLISION, f'on the way down, the robot met more than {GUARD:g} N and stopped')
    run.close(plan.descent[-1], plan.opening)
    run.follow(plan.lift, CARRYING_SPEED, 0.0)
    risen = {index for index, height in enumerate(run.heights() - before) if height > _LIFTED}
    taken = min(risen & targets, default=min(risen, default=None))
    if taken is None:
        return Attempt(Outcome.SLIPPED, 'the fingers closed, and nothing was lifted')
    run.follow(plan.carry, CARRYING_SPEED, 0.0)
    run.open(plan.carry[-1])
    return _judge(cell, targets, taken)


def _judge(cell: RobotCell, targets: set[int], taken: int) -> Attempt:
    placed = {index for index in range(len(cell.scene.objects)) if cell.in_bin(index)}
    if (placed and not placed <= targets) or taken not in targets:
        other = min(placed - targets, default=taken)
        return Attempt(Outcome.WRONG_OBJECT, f'object {other} was taken', other)
    if not placed:
        return Attempt(Outcome.DROPPED, 'it was lifted, and is not in the bin', taken)
    return Attempt(Outcome.PLACED, '', taken)


class _Run:
    """Motions in one cell."""

    def __init__(self, cell: RobotCell, watch: Watch | None) -> None:
        self.cell, self.watch = cell, watch
        self.now = cell.joints

    def heights(self) -> np.ndarray:
        return np.array([self.cell.object_position(index)[2] for index in range(len(self.cell.scene.objects))])

    def tick(self) -> None:
        self.cell.step(CONTROL)
        if self.watch is not None:
            self.watch(self.cell)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / CONTROL)):
            self.tick()

    def follow(self, path: np.ndarray, speed: float, opening: float, guarded: bool = False) -> bool:
        """Pass ``path`` (N, 7), starting and ending at rest; False if a force above ``GUARD`` stopped the arm."""
        points = np.vstack([self.now, path])
        lengths = (np.abs(np.diff(points, axis=0)) / JOINT_SPEEDS).max(1) / speed
        marks = np.concatenate([[0], np.cumsum(lengths)])
        steps = max(1, round(1.5 * marks[-1] / CONTROL))
        for step in range(1, steps + 1):
            share = step / steps
            mark = marks[-1] * share**2 * (3 - 2 * share)
            before, self.now = self.now, np.array([np.interp(mark, marks, joint) for joint in points.T])
            self.cell.drive(self.now, opening, (self.now - before) / CONTROL)
            self.tick()
            if guarded and self.force() > GUARD:
                return False
        self.cell.drive(self.now, opening)
        for _ in range(round(_SETTLE / CONTROL)):
            self.tick()
            if guarded and self.force() > GUARD:
                return False
        return True

    def force(self) -> float:
        pads, elsewhere = self.cell.forces()
        return max(pads.max(), elsewhere)

    def close(self, joints: np.ndarray, opening: float) -> None:
        """Close the fingers until both pads press with ``GRIP``, or they have met; then hold with all their force."""
        for now in np.arange(opening, 0, -CLOSING_SPEED * CONTROL):
            self.cell.drive(joints, now)
            self.tick()
            if self.cell.forces()[0].min() > GRIP:
                break
        self.cell.drive(joints, 0.0)
        self.wait(_SETTLE)

    def open(self, joints: np.ndarray) -> None:
        self.cell.drive(joints, STROKE)
        self.wait(_LETTING_GO)
