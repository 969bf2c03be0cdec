"""What of a model becomes a graph of its own: the towers and what brings them together, or the whole."""

from dataclasses import dataclass

from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures

#: Between the parts: names of the tensors that describe a sentence.
_TEXT, _SENTENCE = 'text', 'sentence'


@dataclass(frozen=True)
class ModelPart:
    """A module that takes and gives named tensors.

    Args:
        module: Called with the inputs in order; gives a tuple, or a dict as heads do.
        inputs: Their names.
    """

    module: nn.Module
    inputs: tuple[str, ...]


class WholeModel(nn.Module):
    """A grounder that gives its raw outputs (B, ...) by name, without those that are None or no tensors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, input_ids: Tensor, text_mask: Tensor) -> dict[str, Tensor]:
        """Run all of it on ``images`` (B, 3, H, W), ``input_ids`` (B, L) and ``text_mask`` (B, L)."""
        inputs = dict(images=images, input_ids=input_ids, text_mask=text_mask)
        return tensors_of(self.model(inputs, mode='tensor'))


class ImageTower(nn.Module):
    """The image encoder of a model whose encoders do not see each other."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Encode ``images`` (U, 3, H, W); the maps (U, C_i, h_i, w_i) are ``image_0``, ``image_1`` and so on."""
        return {f'image_{i}': x for i, x in enumerate(self.backbone.encode_images(images))}


class TextTower(nn.Module):
    """The text encoder of a model whose encoders do not see each other."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, input_ids: Tensor, text_mask: Tensor) -> dict[str, Tensor]:
        """Encode ``input_ids`` (B, L) to ``text`` (B, L, C) and ``sentence`` (B, C)."""
        text, sentence = self.backbone.encode_sentence(input_ids, text_mask)
        return {_TEXT: text, _SENTENCE: sentence}


class Fusion(nn.Module):
    """Necks and head of a model, on what its towers give.

    Args:
        model: A grounder.
        num_maps: Of the image tower.
    """

    def __init__(self, model: nn.Module, num_maps: int) -> None:
        super().__init__()
        self.neck, self.head, self.num_maps = model.neck, model.head, num_maps

    def forward(self, *given: Tensor) -> dict[str, Tensor]:
        """Run on the maps (B, C_i, h_i, w_i), ``text``, ``sentence`` and ``text_mask``; gives the raw outputs."""
        maps, (text, sentence, text_mask) = list(given[: self.num_maps]), given[self.num_maps :]
        features = GroundingFeatures(images=maps, text=text, sentence=sentence, text_mask=text_mask, unfused=maps[-1])
        for part in self.neck.values():
            features = part(features)
        return tensors_of(self.head(features))


def tensors_of(outputs: dict) -> dict[str, Tensor]:
    """Leave out what is no tensor: outputs that a head does not have, and lists that help training alone."""
    return {name: value for name, value in outputs.items() if isinstance(value, Tensor)}


def has_towers(model: nn.Module) -> bool:
    """Whether the encoders of a grounder do not see each other, and can be run one by one."""
    return all(hasattr(model.backbone, name) for name in ('encode_images', 'encode_sentence'))


def split_model(model: nn.Module, num_maps: int | None) -> dict[str, ModelPart]:
    """Make the parts of a grounder.

    Args:
        model: In evaluation mode.
        num_maps: Of its image tower; None for a model that is exported whole.
    """
    if num_maps is None:
        return dict(whole=ModelPart(WholeModel(model), ('images', 'input_ids', 'text_mask')))
    maps = tuple(f'image_{i}' for i in range(num_maps))
    return dict(
        image=ModelPart(ImageTower(model.backbone), ('images',)),
        text=ModelPart(TextTower(model.backbone), ('input_ids', 'text_mask')),
        fusion=ModelPart(Fusion(model, num_maps), (*maps, _TEXT, _SENTENCE, 'text_mask')),
    )
