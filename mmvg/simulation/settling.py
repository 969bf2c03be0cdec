"""Let objects come to rest on a table, and see how much each hides of the others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .backend import load_mujoco
from .model import add_object, add_table, new_spec
from .objects import SceneCamera, TableObject

_STEP = 0.004  # seconds of simulated time
_SQUEEZE = 0.35  # seconds that a clutter is pushed together for
_LONGEST = 3.0  # seconds
_WATCHED = 0.1  # seconds
_STILL = 0.0003  # metres that nothing moves by in that time, at rest


def settle(things: Sequence[TableObject], squeeze: bool = False) -> list[TableObject] | None:
    """Let objects come to rest, after they are pushed together if ``squeeze``.

    Returns:
        The objects at their new poses; None if some of them still move after three seconds.
    """
    mujoco = load_mujoco()
    spec = new_spec(timestep=_STEP)
    add_table(spec)
    for index, thing in enumerate(things):
        add_object(spec, thing, index)
    model = spec.compile()
    data = mujoco.MjData(model)
    bodies = [model.body(f'object_{index}').id for index in range(len(things))]
    if squeeze:
        weight = model.body_mass[bodies] * 9.81
        for _ in range(round(_SQUEEZE / _STEP)):
            inwards = -data.xpos[bodies, :2]
            inwards /= np.linalg.norm(inwards, axis=1, keepdims=True) + 0.02
            data.xfrc_applied[bodies, :2] = 1.1 * weight[:, None] * inwards
            mujoco.mj_step(model, data)
        data.xfrc_applied[:] = 0
        data.qvel[:] = 0
    before = None
    for _ in range(round(_LONGEST / _WATCHED)):
        for _ in range(round(_WATCHED / _STEP)):
            mujoco.mj_step(model, data)
        now = np.concatenate([data.xpos[bodies], 0.05 * data.xmat[bodies]], 1)  # metres, at an arm of 5 cm
        if before is not None and np.abs(now - before).max() < _STILL:
            return [replace(thing, pose=_pose(data, body)) for body, thing in zip(bodies, things, strict=True)]
        before = now
        data.qvel *= 0.5  # objects come to rest sooner than real ones
    return None


def _pose(data: Any, body: int) -> np.ndarray:
    """(4, 4) of a body in the frame of the table."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = data.xmat[body].reshape(3, 3), data.xpos[body]
    return pose


def visible_shares(things: Sequence[TableObject], camera: SceneCamera) -> np.ndarray:
    """Shares (N,) of the points of objects that no other object hides from the camera."""
    mujoco = load_mujoco()
    spec = new_spec()
    for index, thing in enumerate(things):
        add_object(spec, thing, index, free=False)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    eye = camera.camera_to_table[:3, 3]
    shares = []
    for index, thing in enumerate(things):
        rays = thing.points() - eye
        own = model.body(f'object_{index}').id
        geoms, distances = np.full(len(rays), -1, np.int32), np.zeros(len(rays))
        mujoco.mj_multiRay(
            model, data, eye, np.ascontiguousarray(rays).ravel(), None, 1, -1, geoms, distances, None, len(rays), 10.0
        )
        hit = model.geom_bodyid[geoms]
        shares.append(np.mean((geoms < 0) | (hit == own)))
    return np.array(shares)
