"""What a camera sees of a table: picture, depth, and exact masks of objects and parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mmvg.checks import check_choice

from .backend import gl_context, load_mujoco, no_renderer
from .objects import TableObject

PARTS = ('body', 'handle')


@dataclass(frozen=True, eq=False)
class TableView:
    """One picture with what is known about each of its pixels.

    Args:
        image: (H, W, 3) uint8 BGR.
        depth: (H, W) float32, z of the optical frame in metres; 0 is a hole.
        instances: (H, W) int32; 0 is nothing, i + 1 is object i.
        parts: (H, W) int32; 0 is nothing, 1 a body, 2 a handle.
    """

    image: np.ndarray
    depth: np.ndarray
    instances: np.ndarray
    parts: np.ndarray

    def mask(self, index: int, part: str | None = None) -> np.ndarray:
        """(H, W) bool, what is seen of object ``index``, or of one part of it."""
        own = self.instances == index + 1
        if part is not None:
            check_choice('part', part, PARTS)
        return own if part is None else own & (self.parts == PARTS.index(part) + 1)


def paint(model: Any, data: Any, camera: str, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render a MuJoCo model.

    Returns:
        Picture (H, W, 3) uint8 RGB, depth (H, W) float32 in metres, and ids of geoms (H, W), -1 where there is none.

    Raises:
        NoRendererError: If MuJoCo finds no renderer here; the message names what to install.
    """
    painter = Painter(model, width, height)
    try:
        return painter.paint(data, camera)
    finally:
        painter.close()


def view_of(
    painted: tuple[np.ndarray, np.ndarray, np.ndarray], model: Any, objects: Sequence[TableObject]
) -> TableView:
    """Say of what :func:`paint` returned which pixels belong to which of ``objects``."""
    image, depth, geoms = painted
    instances, parts = _labels(model, objects)
    return TableView(np.ascontiguousarray(image[..., ::-1]), depth, instances[geoms], parts[geoms])


def _labels(model: Any, objects: Sequence[TableObject]) -> tuple[np.ndarray, np.ndarray]:
    """Number of the object, and of the part, for the id of each geom; the last one stands for no geom (-1)."""
    instances, parts = np.zeros(model.ngeom + 1, np.int32), np.zeros(model.ngeom + 1, np.int32)
    for index, thing in enumerate(objects):
        for number, piece in enumerate(thing.pieces):
            if not (piece.solid or piece.seen):
                continue
            geom = model.geom(f'object_{index}_{number}').id
            instances[geom], parts[geom] = index + 1, PARTS.index(piece.part) + 1
    return instances, parts


class Painter:
    """Renders one model: a picture, and in a second pass the ids of geoms and the depth.

    The context of OpenGL is made once per process and size; textures and meshes are loaded for each model.
    """

    def __init__(self, model: Any, width: int, height: int) -> None:
        mujoco = load_mujoco()
        self.model = model
        self.scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 50)
        self.rect = mujoco.MjrRect(0, 0, width, height)
        try:
            _shared_context(width, height).make_current()
            self.context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        except Exception as error:  # of OpenGL, EGL or MuJoCo, which have nothing in common
            raise no_renderer(error) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self.context)
        self.context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR

    def close(self) -> None:
        """Free what lies in the memory of OpenGL."""
        self.context.free()

    def paint(self, data: Any, camera: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Picture (H, W, 3) uint8 RGB, depth (H, W) float32 in metres, ids of geoms (H, W), -1 where there is none."""
        mujoco = load_mujoco()
        image = self.picture(data, camera)
        ids, raw = np.empty_like(image), np.empty(image.shape[:2], np.float32)
        self._render(ids, raw, by_number=True)
        numbers = ids[..., 0].astype(np.int32) + 256 * ids[..., 1].astype(np.int32)
        geoms = np.full(self.scene.ngeom + 1, -1, np.int32)
        for geom in self.scene.geoms[: self.scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                geoms[geom.segid + 1] = geom.objid
        return image, self._metres(raw[::-1]), geoms[numbers[::-1]]

    def picture(self, data: Any, camera: str) -> np.ndarray:
        """Picture (H, W, 3) uint8 RGB alone."""
        mujoco = load_mujoco()
        view = mujoco.MjvCamera()
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, self.model.camera(camera).id
        option = mujoco.MjvOption()
        mujoco.mjv_updateScene(self.model, data, option, None, view, mujoco.mjtCatBit.mjCAT_ALL.value, self.scene)
        image = np.empty((self.rect.height, self.rect.width, 3), np.uint8)
        self._render(image, None, by_number=False)
        return image[::-1]

    def _render(self, pixels: np.ndarray, depth: np.ndarray | None, by_number: bool) -> None:
        """Fill arrays, lowest row first, with colours or with numbers of geoms, and with the depth buffer."""
        mujoco = load_mujoco()
        _shared_context(self.rect.width, self.rect.height).make_current()  # another one may have been used since
        for flag in (mujoco.mjtRndFlag.mjRND_SEGMENT, mujoco.mjtRndFlag.mjRND_IDCOLOR):
            self.scene.flags[flag] = by_number
        mujoco.mjr_render(self.rect, self.scene, self.context)
        mujoco.mjr_readPixels(pixels, depth, self.rect, self.context)

    def _metres(self, raw: np.ndarray) -> np.ndarray:
        """Depth in metres from the depth buffer, which is 1 at the near plane and 0 at the far one."""
        extent = self.model.stat.extent
        near, far = self.model.vis.map.znear * extent, self.model.vis.map.zfar * extent
        return (near * far / (near + raw.astype(np.float64) * (far - near))).astype(np.float32)


_shared_context = cache(gl_context)  # one per process and size
