"""Joint angles for poses of the gripper, by the quadratic programs of mink (https://github.com/kevinzakka/mink)."""

from typing import TYPE_CHECKING

import numpy as np

from .model import FLANGE, JOINTS, TCP, arm_model

if TYPE_CHECKING:
    pass

#: The elbow is up and the gripper points down; near the middle of every range.
HOME = np.array([0.0, 0.35, 0.0, -1.5, 0.0, 1.29, 0.0])
_STEPS = 40
_NEAR = 3e-4, 1e-3  # metres, radians


class ArmKinematics:
    """Forward and inverse kinematics of the arm, in the frame of its base.

    Args:
        robot: See :func:`mmvg.simulation.robot.robot_spec`.
    """

    def __init__(self, robot: str = 'iiwa') -> None:
        import mink
        import mujoco

        self._model: mujoco.MjModel = arm_model(robot)
        self._configuration = mink.Configuration(self._model)
        self._tasks = {site: mink.FrameTask(site, 'site', 1.0, 0.3, lm_damping=1e-3) for site in (TCP, FLANGE)}
        self._posture = mink.PostureTask(self._model, cost=2e-3)
        self._limits = [mink.ConfigurationLimit(self._model)]
        self.ranges = self._model.jnt_range[[self._model.joint(name).id for name in JOINTS]]

    def forward(self, joints: np.ndarray, site: str = TCP) -> np.ndarray:
        """Pose (4, 4) of a site for ``joints`` (7,)."""
        self._configuration.update(joints)
        return self._configuration.get_transform_frame_to_world(site, 'site').as_matrix()

    def inverse(self, pose: np.ndarray, start: np.ndarray, site: str = TCP) -> np.ndarray | None:
        """Joints (7,), within their ranges, that bring a site to ``pose`` (4, 4), searched from ``start``.

        Returns:
            None if the pose is not reached to 0.3 mm and 1 mrad.
        """
        import mink

        task, configuration = self._tasks[site], self._configuration
        task.set_target(mink.SE3.from_matrix(pose))
        configuration.update(start)
        self._posture.set_target(start)
        for _ in range(_STEPS):
            error = task.compute_error(configuration)
            if np.linalg.norm(error[:3]) < _NEAR[0] and np.linalg.norm(error[3:]) < _NEAR[1]:
                return configuration.q.copy()
            step = mink.solve_ik(configuration, [task, self._posture], 1.0, 'daqp', 1e-6, limits=self._limits)
            configuration.integrate_inplace(step, 1.0)
        return None

    def line(self, start: np.ndarray, end: np.ndarray, joints: np.ndarray, steps: int = 4) -> np.ndarray | None:
        """Joints (steps, 7) along a straight line of the gripper that keeps its turn; None if it leaves the reach.

        Args:
            start: Pose (4, 4) at which the arm is.
            end: Pose (4, 4) with the same rotation.
            joints: (7,), of ``start``.
        """
        path = []
        for share in np.linspace(0, 1, steps + 1)[1:]:
            pose = end.copy()
            pose[:3, 3] = (1 - share) * start[:3, 3] + share * end[:3, 3]
            joints = self.inverse(pose, joints)
            if joints is None:
                return None
            path.append(joints)
        return np.stack(path)
