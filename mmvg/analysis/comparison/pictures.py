"""Pictures of what two models answered, small enough to stand inside a page."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mmvg.visualization import drawing
from mmvg.visualization.layers import Layers

#: Longer side of a panel in pixels.
PANEL_SIZE = 384
#: All pictures of a page together are not larger than so many bytes.
MAX_BYTES = 16 * 2**20


def draw_panels(image: np.ndarray, layers: Sequence[Layers | None], size: int = PANEL_SIZE) -> list[str]:
    """Draw truth and answers over one picture, and encode each drawing.

    Args:
        image: (H, W, 3) uint8 RGB.
        layers: In its pixels; None: nothing is drawn over it.
        size: Longer side of a panel.

    Returns:
        An address ``data:image/jpeg;base64,...`` for each.
    """
    scaled, scale = drawing.fit(image, size, size)
    panels = [
        scaled if each is None else drawing.draw_layers(scaled, each, scale, alpha=0.35, font_size=max(12, size // 26))
        for each in layers
    ]
    return [encode_picture(panel) for panel in panels]


def encode_picture(picture: np.ndarray, quality: int = 80) -> str:
    """Encode a picture (H, W, 3) uint8 RGB as an address that holds it.

    Example:
        >>> encode_picture(np.zeros((4, 4, 3), np.uint8))[:23]
        'data:image/jpeg;base64,'
    """
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, 'JPEG', quality=quality, optimize=True)
    return 'data:image/jpeg;base64,' + base64.b64encode(file.getvalue()).decode()
