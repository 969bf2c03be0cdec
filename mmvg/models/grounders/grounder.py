"""The one model class of mmvg: a backbone, a chain of necks, a head, and heads that only help training."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.config import stored_config, to_data
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers.freezing import freeze, frozen_modules
from mmvg.models.layers.lora import add_adapters
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample
from mmvg.weights import load_state_dict, load_state_dict_file, read_model_folder, write_model_folder
from mmvg.weights.carried_files import carried_files, laid_out
from mmvg.weights.closed_loading import closed_loading


@MODELS.register_module()
class Grounder(BaseModel):
    """Answer one expression about one image: run the backbone, then the necks in order, then the head.

    Args:
        backbone: Encodes images and text; called with ``images`` (B, 3, H, W), ``input_ids`` (B, L) and ``text_mask``
            (B, L), returns :class:`GroundingFeatures`.
        neck: Named parts; each takes and returns :class:`GroundingFeatures`, and ``None`` is left out. A single part (a
            dict with ``type``) is allowed too.
        neck_order: The names of ``neck`` in the order in which they run. Needed if there are two or more, because
            MMEngine sorts the keys of a config that it saves.
        head: Has ``forward(features) -> dict``, ``loss(features, data_samples) -> dict`` and
            ``predict(features, data_samples) -> list[GroundingSample]``.
        aux_heads: Named heads with a ``loss`` of the same form, used in training only; ``None`` leaves one out. Their
            losses are reported under ``<name>.<key>``. One with ``needs_encoder = True`` is called as
            ``loss(features, data_samples, encoder=backbone)``; see :class:`mmvg.models.TextEncoder`. One with
            ``needs_pictures = True`` finds the input in ``features.pictures``.
        data_preprocessor: Usually :class:`mmvg.models.GroundingPreprocessor`.
        frozen: Parts that are not trained: ``'image'`` or ``'text'``, the tower of the backbone, or names of modules
            (:func:`mmvg.models.layers.freezing.freeze`). They stay in evaluation mode.
        lora: Arguments of :func:`mmvg.models.layers.lora.add_adapters`: train low-rank changes of the encoders alone.

    Raises:
        ValueError: If ``neck_order`` is missing or does not name each part of ``neck`` once.

    Examples:
        >>> import torch
        >>> from mmvg.config import read_config
        >>> from mmvg.registry import MODELS
        >>> model = MODELS.build(read_config('configs/lavt/tiny.py').model)
        >>> ids = torch.randint(5, 20, (2, 6))
        >>> inputs = dict(images=torch.rand(2, 3, 64, 64), input_ids=ids, text_mask=torch.ones_like(ids).bool())
        >>> model(inputs, mode='tensor')['mask_logits'].shape
        torch.Size([2, 1, 16, 16])
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        neck: dict | None = None,
        neck_order: Sequence[str] | None = None,
        aux_heads: dict | None = None,
        data_preprocessor: dict | None = None,
        frozen: Sequence[str] = (),
        lora: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        neck = {} if neck is None else dict(neck=neck) if 'type' in neck else neck
        order = _run_order(neck, neck_order)
        self.neck = nn.ModuleDict({name: MODELS.build(neck[name]) for name in order if neck[name] is not None})
        self.head = MODELS.build(head)
        # by name, for a dumped config sorts its keys, and optimizer states go by the order of the parameters
        parts = {name: part for name, part in sorted((aux_heads or {}).items()) if part is not None}
        self.aux_heads = nn.ModuleDict({name: MODELS.build(part) for name, part in parts.items()})
        self._frozen_modules: list[nn.Module] | None = None if frozen or lora else []
        if frozen:
            freeze(self, frozen)
        if lora:
            add_adapters(self, **lora)

    def train(self, mode: bool = True) -> 'Grounder':
        """Switch the mode of what is trained."""
        super().train(mode)
        if mode:
            if self._frozen_modules is None:
                self._frozen_modules = frozen_modules(self)
            for module in self._frozen_modules:
                module.eval()
        return self

    @classmethod
    def from_pretrained(cls, folder: str | Path, trust_config: bool = False) -> 'Grounder':
        """Build the model of a folder, with its weights and ready to answer; nothing in the folder is run.

        Args:
            folder: Written by :meth:`save_pretrained`, here or of :class:`mmvg.apis.GroundingInferencer`, which reads
                pictures and sentences too.
            trust_config: Build whatever the config names.

        Raises:
            FileNotFoundError: If it is no such folder.
            ValueError: If it is damaged, or its config names what is not on a list.
        """
        stored = read_model_folder(folder)
        config = stored_config(stored.config, folder, trust_config)
        with closed_loading(not trust_config), laid_out(config, stored.files) as laid:
            model = MODELS.build(laid.model)
        load_state_dict(model, load_state_dict_file(folder), folder)
        return model.eval()

    def save_pretrained(self, folder: str | Path, config: Config, half: bool = False) -> Path:
        """Write weights, config and vocabulary into a folder, without a model card. Adapters are merged.

        Args:
            folder: It is made.
            config: What the model was built from, with the ``test_dataloader`` whose pipeline prepares its inputs.
            half: Write the weights in 16 bits.

        Returns:
            The folder.
        """
        return write_model_folder(folder, self.state_dict(), to_data(config), carried_files(config), half=half)

    def extract_features(self, inputs: dict[str, Tensor]) -> GroundingFeatures:
        """Run backbone and necks on ``images`` (B, 3, H, W), ``input_ids`` (B, L) and ``text_mask`` (B, L).

        With ``image_index`` (B,) there are only U ``images``, see :class:`mmvg.models.GroundingPreprocessor`.
        """
        images, shared = inputs['images'], {}
        if (index := inputs.get('image_index')) is not None:
            if getattr(self.backbone, 'shares_images', False):
                shared = dict(image_index=index)
            else:
                images = images[index]
        features = self.backbone(images, inputs['input_ids'], inputs['text_mask'], **shared)
        unfused = features.images[-1] if features.unfused is None else features.unfused
        features = features.replace(input_ids=inputs['input_ids'], unfused=unfused)
        if any(getattr(head, 'needs_pictures', False) for head in self.aux_heads.values()):
            features = features.replace(pictures=inputs['images'] if index is None else inputs['images'][index])
        for part in self.neck.values():
            features = part(features)
        return features

    def forward(
        self, inputs: dict[str, Tensor], data_samples: list[GroundingSample] | None = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list[GroundingSample]:
        """Return named losses (``loss``), answered samples (``predict``) or the head's raw outputs (``tensor``).

        Raises:
            ValueError: If ``mode`` is none of the three.
        """
        check_choice('mode', mode, ('loss', 'predict', 'tensor'))
        features = self.extract_features(inputs)
        if mode == 'tensor':
            return self.head(features)
        if mode == 'predict':
            return self.head.predict(features, data_samples)
        losses = self.head.loss(features, data_samples)
        for name in self.aux_heads:
            losses |= self.aux_loss(name, features, data_samples)
        return losses

    def aux_loss(
        self, name: str, features: GroundingFeatures, data_samples: list[GroundingSample]
    ) -> dict[str, Tensor]:
        """Return the losses of the auxiliary head ``name``, under ``<name>.<key>``."""
        head = self.aux_heads[name]
        encoder = dict(encoder=self.backbone) if getattr(head, 'needs_encoder', False) else {}
        return {f'{name}.{key}': value for key, value in head.loss(features, data_samples, **encoder).items()}


def _run_order(neck: dict, order: Sequence[str] | None) -> Sequence[str]:
    if order is None:
        if len(neck) > 1:
            raise ValueError(f'neck has several parts, {sorted(neck)}: neck_order must say in which order they run')
        return list(neck)
    if sorted(order) != sorted(neck):
        raise ValueError(
            f'neck_order must name each part of neck once: it is {list(order)}, the parts are {sorted(neck)}'
        )
    return order
