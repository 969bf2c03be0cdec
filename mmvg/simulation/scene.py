"""A whole table: its objects at rest, its camera, its light, and what follows from them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .appearance import Look
from .backend import load_mujoco
from .model import CAMERA, table_spec
from .objects import SceneCamera, TableObject
from .render import TableView, paint, view_of
from .sensor import add_sensor_noise
from .sentences import TableSentence, draw_sentences

LAYOUTS = ('isolated', 'scattered', 'cluttered')
_SENTENCES = 2  # beside the seed of the look, so that sentences have random numbers of their own


@dataclass(frozen=True, eq=False)
class TableScene:
    """Objects at rest on a table, the camera that looks at them, and the light.

    The frame of the table has z up and its origin in the middle of the table top; metres.

    Args:
        objects: Settled by physics.
        camera: Where the pictures are taken from.
        look: Colours and textures of the table, and the lights.
        layout: One of ``LAYOUTS``.
    """

    objects: tuple[TableObject, ...]
    camera: SceneCamera
    look: Look
    layout: str
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def mjcf(self) -> Any:
        """A ``mujoco.MjSpec``: ``table``, ``floor``, the camera ``scene``, lights, and free bodies ``object_0``..."""
        return table_spec(self.objects, self.camera, self.look)

    @property
    def view(self) -> TableView:
        """What the camera sees, without noise; rendered once."""
        if 'view' not in self._made:
            self._made['view'] = render_table(self)
        return self._made['view']

    @property
    def sentences(self) -> tuple[TableSentence, ...]:
        """Sentences about the picture, some of which mean nothing in it; drawn once, always the same."""
        if 'sentences' not in self._made:
            self._made['sentences'] = draw_sentences(self.objects, self.view, self.rng(_SENTENCES))
        return self._made['sentences']

    def rng(self, purpose: int) -> np.random.Generator:
        """Random numbers of this table for one purpose, the same whenever they are asked for."""
        return np.random.default_rng([self.look.seed, purpose])


def render_table(scene: TableScene, noise: np.random.Generator | None = None) -> TableView:
    """Render a table as its camera sees it.

    Args:
        scene: The table.
        noise: Source of the noise and holes of a real depth sensor, see
            :func:`mmvg.simulation.sensor.add_sensor_noise`; none by default.

    Raises:
        NoRendererError: If MuJoCo finds no renderer here; the message names what to install.
    """
    mujoco = load_mujoco()
    model = scene.mjcf().compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    k = scene.camera.intrinsics
    view = view_of(paint(model, data, CAMERA, k.width, k.height), model, scene.objects)
    if noise is None:
        return view
    return TableView(view.image, add_sensor_noise(view.depth, view.instances, noise), view.instances, view.parts)
