"""Image backbones of mmdetection, mmsegmentation, mmpretrain and timm."""

import difflib
import importlib.util
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModule
from mmengine.registry import Registry
from torch import Tensor, nn

from mmvg.models.backbones.image_stages import AfterStage, map_to_tokens, tokens_to_map
from mmvg.registry import MODELS, build_in_its_scope
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file
from mmvg.weights.image_backbones import UNUSED, fit_names, resize_position_tables

#: Buffers that follow from the architecture, which files may lack or have for other windows.
_FOLLOWS = ('relative_position_index', 'relative_coords_table', 'attn_mask')
#: Side of the image with which channels and strides are found out, unless the backbone wants another.
_PROBE_SIDE = 224


@MODELS.register_module()
class ImageBackbone(BaseModule):
    """Any image backbone of mmdetection, mmsegmentation, mmpretrain or timm, flat or in stages.

    *Flat*, ``backbone(images)`` gives the maps that the backbone itself gives, for a :class:`TwoTowerEncoder`.
    *Staged*, ``backbone(images, after_stage)`` hands the output of each stage to ``after_stage`` and goes on with what
    comes back, for a :class:`StagedEncoder`. The backbone runs its own ``forward`` in both forms, so its numbers are
    its own.

    ============================================================  ==================================================
    backbone                                                      what follows each stage is called after
    ============================================================  ==================================================
    ``mmdet.SwinTransformer``, ``mmseg.SwinTransformer``          the blocks, before the patches are merged
    ``mmseg.MixVisionTransformer``, ``mmseg.MSCAN``, PVT, PVTv2   the norm of the stage
    ResNet and its relatives, CSPNeXt and MobileNetV2 of mmdet    their layers, ``layer1`` and so on
    timm: ConvNeXt, ResNet, Swin, EfficientNet, ...               the modules that timm takes its features from
    any other                                                     the modules named in ``stages``
    ============================================================  ==================================================

    Example:
        >>> import torch
        >>> from mmvg.models.backbones import ImageBackbone
        >>> tower = ImageBackbone(dict(type='timm', model_name='resnet18', out_indices=(2, 3, 4)))
        >>> tower.channels, tower.strides
        ((128, 256, 512), (8, 16, 32))
        >>> [tuple(x.shape) for x in tower(torch.zeros(1, 3, 64, 64))]
        [(1, 128, 8, 8), (1, 256, 4, 4), (1, 512, 2, 2)]

    Args:
        backbone: ``dict(type='mmseg.MixVisionTransformer', ...)``, with any registered name and its scope, or
            ``dict(type='timm', model_name='convnext_tiny', ...)``. Its ``out_indices`` choose the maps.
        stages: Names of the modules that end the stages, one per map, such as ``('layer1', 'layer2')``; ``None`` finds
            those of the families above.
        img_size: Side of the images, for backbones that take one size only.
        checkpoint: Local file of weights, read by :meth:`init_weights`: under the names of the library that the
            backbone comes from, or under those of the authors of Swin, SegFormer and PVT. Tables of relative positions
            are resized (bicubic) where windows differ.

    Raises:
        ValueError: If there is no such backbone, or its library is not installed.
    """

    def __init__(
        self,
        backbone: dict,
        stages: Sequence[str] | None = None,
        img_size: int = _PROBE_SIDE,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.backbone = build_backbone(backbone)
        self.checkpoint = checkpoint
        self.img_size = img_size
        self.stage_names = stages
        self.unused = list(UNUSED)
        self.stages: list[_Stage] | None = None
        maps = self._probe()
        self.channels = tuple(x.shape[1] for x in maps)
        self.strides = tuple(img_size // x.shape[-1] for x in maps)

    def split(self) -> None:
        """Prepare the staged form; what only the maps of the flat form need is removed.

        Raises:
            ValueError: If the stages are not found, or are not what the backbone's maps are made from.
        """
        names = dict(self.backbone.named_modules())
        ends = self.stage_names or _stage_ends(self.backbone)
        lost = [name for name in ends or () if name not in names]
        if not ends or lost:
            raise ValueError(self._cannot_split(f'it has no modules {lost}' if lost else 'its family is not known'))
        self.stages = [_Stage(name, names[name], _blocks_before(name, names)) for name in ends]
        self.unused += _drop_output_norms(self.backbone)
        calls = []

        def note(stage: int, blocks: list[Tensor], size: tuple[int, int]) -> Tensor:
            calls.append((stage, blocks[-1].shape[-1], self.img_size // size[1]))
            return blocks[-1]

        self._probe(note)
        if calls != [(i, *of_map) for i, of_map in enumerate(zip(self.channels, self.strides, strict=True))]:
            raise ValueError(
                self._cannot_split(
                    f'its maps have {self.channels} channels at strides {self.strides}, but {list(ends)} gave '
                    f'{[call[1:] for call in calls]}'
                )
            )

    def init_weights(self) -> None:
        """Let the backbone draw fresh weights as it does, or load ``checkpoint``.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it does not fit the backbone.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        path = Path(self.checkpoint).expanduser()
        state = load_state_dict_file(path)
        state = {name: value.float() for name, value in state.items() if not name.endswith(_FOLLOWS)}
        state = resize_position_tables(fit_names(state, self.backbone), self.backbone)
        missing = [f'*{name}' for name in (*_FOLLOWS, 'num_batches_tracked')]
        load_state_dict(self.backbone, state, path, allowed_missing=missing, allowed_unexpected=self.unused)

    def forward(self, images: Tensor, after_stage: AfterStage | None = None) -> list[Tensor]:
        """Encode ``images`` (B, 3, H, W).

        Args:
            images: Normalised images.
            after_stage: What happens between the stages, see :data:`AfterStage`; only after :meth:`split`.

        Returns:
            The maps (B, C_i, h_i, w_i) of the backbone, or of what ``after_stage`` returned; finest first.

        Raises:
            ValueError: If ``after_stage`` is given before :meth:`split`, or images have a size that leaves the size of
                a stage open.
        """
        if after_stage is None:
            return self._as_maps(self.backbone(images))
        if self.stages is None:
            raise ValueError('ImageBackbone: call split() before the staged form')
        maps: list[Tensor] = []
        with ExitStack() as hooks:
            for index, stage in enumerate(self.stages):
                stage.outputs.clear()
                for block in stage.blocks:
                    hooks.callback(block.register_forward_hook(stage.collect).remove)
                end = partial(self._end_stage, index, tuple(images.shape[-2:]), after_stage, maps)
                hooks.callback(stage.end.register_forward_hook(end).remove)
            self.backbone(images)
        return maps

    def _end_stage(
        self,
        index: int,
        image_size: tuple[int, int],
        after_stage: AfterStage,
        maps: list[Tensor],
        module: nn.Module,
        args: Any,
        output: Any,
    ) -> Tensor | None:
        """Give what ``after_stage`` makes of the output of a stage to the modules that come next."""
        stage = self.stages[index]
        if not isinstance(output, Tensor):
            raise ValueError(self._cannot_split(f'{stage.name} gives a {type(output).__name__}, not a tensor'))
        channels_last = _channels_last(self.backbone) and output.ndim == 4
        x = output.permute(0, 3, 1, 2) if channels_last else output
        if x.ndim == 4:
            size, tokens = tuple(x.shape[-2:]), map_to_tokens(x)
        else:
            size, tokens = self._size(stage, x, image_size, self.strides[index]), x
        blocks = [_tokens(block, channels_last) for block in stage.outputs[:-1] if block.shape == output.shape]
        fused = after_stage(index, [*blocks, tokens], size)
        stage.outputs.clear()
        maps.append(tokens_to_map(fused, size))
        if fused is tokens:
            return None
        if output.ndim == 3:
            return fused
        return fused.unflatten(1, size) if channels_last else maps[-1].contiguous()

    def _size(self, stage: '_Stage', tokens: Tensor, image_size: tuple[int, int], stride: int) -> tuple[int, int]:
        """(h, w) of ``tokens`` (B, h*w, C): sides are divided by the stride and rounded, all up or all down."""
        if hasattr(self.backbone, 'feature_info'):
            raise ValueError(
                self._cannot_split(
                    f'{stage.name} gives tokens, and timm does not tell their places (ViTStages is the vision '
                    'transformer in stages)'
                )
            )
        down = tuple(side // stride for side in image_size)
        up = tuple(-(-side // stride) for side in image_size)
        for size in (up, down):
            if size[0] * size[1] == tokens.shape[1]:
                return size
        raise ValueError(
            self._cannot_split(
                f'{stage.name} gives {tokens.shape[1]} tokens for images {image_size}, and {up} are expected at '
                f'stride {stride}; let the sides of the images be multiples of {max(self.strides)}'
            )
        )

    def _cannot_split(self, why: str) -> str:
        return (
            f'ImageBackbone: {type(self.backbone).__name__} cannot be run in stages: {why}. Stages are found in Swin, '
            "MixVisionTransformer, MSCAN, PVT, PVTv2, ResNet and its relatives, and timm's models that give maps; "
            'for others, name in `stages` the module that ends each stage. As a whole it can be used in a '
            'TwoTowerEncoder'
        )

    def _as_maps(self, outputs: Any) -> list[Tensor]:
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        return [x.permute(0, 3, 1, 2) for x in outputs] if _channels_last(self.backbone) else outputs

    @torch.no_grad()
    def _probe(self, after_stage: AfterStage | None = None) -> list[Tensor]:
        """Run one image through a copy without memory; returns its maps."""
        tensors = [*self.backbone.named_parameters(), *self.backbone.named_buffers()]
        images = torch.zeros(1, 3, self.img_size, self.img_size, device='meta')
        training = self.backbone.training
        self.backbone.eval()
        try:
            with torch.device('meta'):
                empty = {f'backbone.{name}': torch.empty_like(value, device='meta') for name, value in tensors}
                maps = torch.func.functional_call(self, empty, (images, after_stage))
        finally:
            self.backbone.train(training)
        bad = [tuple(x.shape) for x in maps if x.ndim != 4]
        if bad:
            raise ValueError(f'ImageBackbone: {type(self.backbone).__name__} gives {bad}, not maps (B, C, h, w)')
        return maps


@dataclass
class _Stage:
    """Where a stage ends, and the outputs of its blocks in the run at hand."""

    name: str
    end: nn.Module
    blocks: list[nn.Module]
    outputs: list[Tensor] = field(default_factory=list)

    def collect(self, module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            self.outputs.append(output)


def build_backbone(cfg: dict) -> nn.Module:
    """Build a backbone of any registry by its ``type``: a class, or a name such as ``'mmseg.MixVisionTransformer'``.

    It is built on the CPU and then moved to the default device, for the backbones of mmdet and mmseg compute with
    numbers that the meta device does not have.

    Raises:
        ValueError: If there is no such backbone, or its library is not installed.
    """
    name = cfg['type']
    if isinstance(name, str) and MODELS.get(name) is None:
        scope, _, short = name.rpartition('.')
        raise ValueError(f'ImageBackbone: there is no backbone {name!r}: {_why_unknown(scope, short)}')
    device = torch.get_default_device()
    with torch.device('cpu'):
        backbone = build_in_its_scope(cfg)
    return backbone.to(device)


def _why_unknown(scope: str, name: str) -> str:
    if scope and importlib.util.find_spec(scope) is None:
        return f'{scope} is not installed'
    registry: Registry | None = MODELS if not scope else MODELS.root._search_child(scope)
    known = sorted(registry.module_dict) if registry else []
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f'the nearest names are {", ".join(near)}' if near else 'give the name with its scope, or the class itself'


@MODELS.register_module(name='timm')
def timm_features(model_name: str, **options: Any) -> nn.Module:
    """Build a model of timm as a feature extractor, without weights.

    Args:
        model_name: As in ``timm.list_models()``.
        options: Of ``timm.create_model``, which refuses what it does not know: ``out_indices``, ``drop_path_rate``,
            ``img_size``, ...

    Raises:
        ValueError: If weights are asked for, or timm has no such model.
    """
    import timm

    if options.get('pretrained') or options.get('checkpoint_path'):
        raise ValueError(
            f'timm backbone {model_name}: weights are never downloaded, nor read here; give the local file as '
            '`checkpoint` of ImageBackbone'
        )
    if not timm.is_model(model_name.split('.')[0]):
        near = difflib.get_close_matches(model_name, timm.list_models(), n=3, cutoff=0.4)
        raise ValueError(f'timm has no model {model_name!r}; the nearest names are {", ".join(near) or "none"}')
    return timm.create_model(model_name, **options | dict(pretrained=False, features_only=True))


def _stage_ends(backbone: nn.Module) -> list[str] | None:
    """Names of the modules whose outputs the maps are made from, or ``None`` for an unknown family."""
    layers, stages = getattr(backbone, 'layers', None), getattr(backbone, 'stages', None)
    if hasattr(backbone, 'feature_info'):  # timm, whose extractors rename modules
        names = dict(backbone.named_modules())
        taken = [info['module'] for info in backbone.feature_info.get_dicts()]
        forms = [(name, name.replace('.', '_'), f'model.{name}', f'body.{name}') for name in taken]
        return [next((name for name in form if name in names), form[0]) for form in forms]
    if hasattr(backbone, 'res_layers'):  # ResNet
        ends = backbone.res_layers
    elif isinstance(layers, list):  # MobileNetV2, CSPDarknet, CSPNeXt: names
        ends = layers
    elif hasattr(backbone, 'block1') and hasattr(backbone, 'norm1'):  # MSCAN
        ends = [f'norm{i + 1}' for i in range(backbone.num_stages)]
    elif _is_list_of(layers, lambda layer: isinstance(layer, nn.ModuleList) and len(layer) == 3):  # MiT and PVT
        ends = [f'layers.{i}.2' for i in range(len(layers))]  # after patches and blocks, the norm
    elif _is_list_of(stages, lambda stage: hasattr(stage, 'blocks') and hasattr(stage, 'downsample')):  # Swin
        ends = [f'stages.{i}.blocks.{len(stage.blocks) - 1}' for i, stage in enumerate(stages)]
    else:
        return None
    return [ends[i] for i in getattr(backbone, 'out_indices', range(len(ends)))]


def _is_list_of(modules: Any, is_one: Callable[[nn.Module], bool]) -> bool:
    return isinstance(modules, nn.ModuleList) and all(map(is_one, modules))


def _blocks_before(end: str, modules: dict[str, nn.Module]) -> list[nn.Module]:
    """The blocks of the stage that the module named ``end`` closes, for fusions that read all of them."""
    named = [
        re.sub(r'^(layers\.\d+)\.2$', r'\1.1', end),  # MiT and PVT
        re.sub(r'^norm(\d+)$', r'block\1', end),  # MSCAN
        re.sub(r'(\.blocks)\.\d+$', r'\1', end),  # Swin
        f'{end}.blocks',
        end,
    ]
    lists = [modules[name] for name in named if name in modules]
    return next((list(x) for x in lists if isinstance(x, (nn.Sequential, nn.ModuleList))), [])


def _drop_output_norms(backbone: nn.Module) -> list[str]:
    """Remove the norms that Swin puts on its maps alone; returns patterns of their names."""
    norms = [name for name, _ in backbone.named_children() if name.startswith('norm') and name[4:].isdigit()]
    if not norms or not hasattr(backbone, 'stages'):
        return []
    backbone.out_indices = ()
    for name in norms:
        delattr(backbone, name)
    return [f'{name}.*' for name in norms]


def _channels_last(backbone: nn.Module) -> bool:
    """Whether the maps are (B, h, w, C), as timm says of some of its models."""
    return str(getattr(getattr(backbone, 'output_fmt', ''), 'value', '')) == 'NHWC'


def _tokens(x: Tensor, channels_last: bool) -> Tensor:
    """A map, or tokens, as tokens (B, h*w, C)."""
    if x.ndim == 3:
        return x
    return x.flatten(1, 2) if channels_last else map_to_tokens(x)
