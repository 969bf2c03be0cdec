"""Find the samples of a batch that ask about the same image, so that it is encoded once."""

from collections.abc import Callable, Hashable, Sequence

import torch
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from torch import Tensor, nn


def distinct_images(images: Sequence[Tensor], names: Sequence[Hashable] | None = None) -> tuple[list[int], list[int]]:
    """Find the different images of a batch; only images that are equal in every value count as one.

    The images should be on the host: on a GPU each comparison waits for the device.

    Args:
        images: B images (3, H, W), of any sizes.
        names: B names, such as paths; images of different names are not compared, for they are two anyway.

    Returns:
        Indices of the U different images, and the place of each of the B images among them.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import distinct_images
        >>> a, b = torch.zeros(3, 2, 2), torch.ones(3, 2, 2)
        >>> distinct_images([b, a, b])
        ([0, 1], [0, 1, 0])
    """
    names = [None] * len(images) if names is None else names
    first, place = [], []
    for index, image in enumerate(images):
        same = (
            number
            for number, other in enumerate(first)
            if names[other] == names[index] and (images[other] is image or torch.equal(images[other], image))
        )
        place.append(next(same, len(first)))
        if place[-1] == len(first):
            first.append(index)
    return first, place


def may_share(*towers: nn.Module) -> bool:
    """Tell whether an image that several expressions ask about may go through ``towers`` once.

    It may not where BatchNorm learns, which counts every sample.

    Examples:
        >>> from torch import nn
        >>> from mmvg.models.layers import may_share
        >>> may_share(nn.LayerNorm(4)), may_share(nn.BatchNorm2d(4)), may_share(nn.BatchNorm2d(4).eval())
        (True, False, True)
    """
    return not any(module.training for tower in towers for module in tower.modules() if isinstance(module, _BatchNorm))


def encode_once(
    encode: Callable[[Tensor], list[Tensor]], images: Tensor, image_index: Tensor | None, *towers: nn.Module
) -> list[Tensor]:
    """Encode images that never see the text: each once, where ``towers`` allow it.

    Args:
        encode: Images (U, 3, H, W) to maps (U, C_i, h_i, w_i), by ``towers``.
        images: (U, 3, H, W).
        image_index: (B,), which of them each text is about; None: they are B images, one for each text.
        towers: What must not count samples, see :func:`may_share`.

    Returns:
        Maps (B, C_i, h_i, w_i).

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from mmvg.models.layers import encode_once
        >>> tower = nn.Conv2d(3, 4, 1)
        >>> maps = encode_once(lambda x: [tower(x)], torch.zeros(1, 3, 2, 2), torch.tensor([0, 0, 0]), tower)
        >>> maps[0].shape
        torch.Size([3, 4, 2, 2])
    """
    if image_index is None:
        return encode(images)
    if may_share(*towers):
        return [x[image_index] for x in encode(images)]
    return encode(images[image_index])
