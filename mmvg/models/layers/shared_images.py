"""Find the samples of a batch that ask about the same image, so that it is encoded once."""

from collections.abc import Hashable, Sequence

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
