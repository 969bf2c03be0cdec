"""Grounding DINO of mmdetection, asked for one sentence at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.config.library import installed_path
from mmvg.models.adapters.hub_folder import DTYPES, check_model_folder, on_meta_device
from mmvg.models.adapters.prompt import Prompt
from mmvg.models.adapters.zero_shot_detector import TOKEN_RULES
from mmvg.models.postprocess import Proposals
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_weights
from mmvg.weights.closed_loading import refuse_program

#: Steps of a test pipeline that read files.
_READING = ('LoadImageFromFile', 'LoadAnnotations')
_BERT = 'google-bert/bert-base-uncased'


@MODELS.register_module()
class MMDetGroundingDINO(nn.Module):
    """Grounding DINO or MM-Grounding-DINO as mmdetection builds, prepares and answers it.

    Its config says how the model is built and how pictures are prepared; weights and BERT are local files. Nothing is
    compiled for it: the deformable attention has a PyTorch path in mmcv. Boxes are in original pixels.

    Args:
        config: A config of mmdetection, or the name of one that comes with it, such as
            ``'mm_grounding_dino/grounding_dino_swin-t_pretrain_obj365_goldg_grit9m_v3det.py'``.
        checkpoint: Its weights, a local file.
        bert_folder: BERT in a folder of transformers.
        prompt: Arguments of :class:`Prompt`.
        token_rule: ``'max'`` or ``'mean'``, as in :class:`ZeroShotDetector`; the first is mmdetection's
            ``tokens_positive=-1`` for referring expressions, the second takes the whole sentence for one phrase.
        dtype: ``'float32'``, or ``'bfloat16'`` or ``'float16'`` for automatic mixed precision.
        detector: What differs from ``config``, such as ``dict(num_queries=300)``.

    Raises:
        FileNotFoundError: If config, checkpoint or folder are not there.
        ValueError: If a choice is unknown, or the weights do not fit.

    Example:
        >>> with torch.device('meta'):  # where nothing is read
        ...     model = MMDetGroundingDINO('mm_grounding_dino/x.py', 'x.pth', 'data/weights/bert-base-uncased')
        >>> model.prompt('The red ring')
        'The red ring'
    """

    def __init__(
        self,
        config: str,
        checkpoint: str,
        bert_folder: str,
        prompt: dict | None = None,
        token_rule: str = 'max',
        dtype: str = 'float32',
        detector: dict | None = None,
    ) -> None:
        super().__init__()
        self.prompt = Prompt(**(prompt or {}))
        self.token_rule = check_choice('MMDetGroundingDINO.token_rule', token_rule, TOKEN_RULES)
        self.dtype = getattr(torch, check_choice('dtype', dtype, DTYPES))
        if not on_meta_device():
            cfg = Config.fromfile(find_mmdet_config(config))
            bert = check_model_folder(bert_folder, _BERT, setting='bert_folder', pictures=False)
            self.model = _build(cfg.model, bert, detector or {})
            # position_ids: transformers wrote them into weights until 4.31
            load_weights(self.model, checkpoint, allowed_unexpected=['*.position_ids'])
            self.model.eval()
            self.steps = _steps(cfg.get('test_pipeline') or cfg.test_dataloader.dataset.pipeline)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor], texts: Sequence[str]) -> list[Proposals]:
        """Propose the boxes of the best queries for each sentence, pair by pair."""
        return [self._answer(image, self.prompt(text)) for image, text in zip(images, texts, strict=True)]

    def _answer(self, image: Tensor, text: str) -> Proposals:
        picture = image.flip(0).permute(1, 2, 0).cpu().numpy()
        size = picture.shape[:2]
        results: Any = dict(img=picture, img_shape=size, ori_shape=size, img_id=0, img_path='', text=text)
        results['tokens_positive'] = -1 if self.token_rule == 'max' else [[[0, len(text.rstrip('. '))]]]
        for step in self.steps:
            results = step(results)
        device = next(self.model.parameters()).device.type
        with torch.autocast(device, self.dtype, enabled=self.dtype != torch.float32):
            data = dict(inputs=[results['inputs']], data_samples=[results['data_samples']])
            (answered,) = self.model.test_step(data)
        found = answered.pred_instances
        return Proposals(found.bboxes.float(), found.scores.float())


def find_mmdet_config(config: str) -> Path:
    """Return the file of a config of mmdetection, given by path or by its name below mmdetection's configs.

    Raises:
        FileNotFoundError: If there is neither.

    Example:
        >>> find_mmdet_config('mm_grounding_dino/grounding_dino_swin-t_pretrain_obj365.py').name
        'grounding_dino_swin-t_pretrain_obj365.py'
    """
    shipped = Path(installed_path('mmdet')) / '.mim/configs' / config
    if Path(config).is_file():
        refuse_program(config)
        return Path(config)
    if shipped.is_file() and '..' not in shipped.parts:
        return shipped
    raise FileNotFoundError(f'{config}: neither this file nor {shipped} is there; name a config of mmdetection')


def _build(model: Any, bert: Path, changes: dict) -> nn.Module:
    """Build a detector that downloads nothing, saves no memory for training, and runs with every transformers."""
    import mmdet.models
    import transformers
    from mmdet.models.language_models import bert as language_model
    from mmdet.registry import MODELS as MMDET_MODELS

    assert mmdet.models  # imported to register its parts
    language_model.AutoTokenizer = transformers.AutoTokenizer  # what late_imports put off
    language_model.BertConfig, language_model.HFBertModel = transformers.BertConfig, transformers.BertModel
    cfg = Config(dict(model=model)).model
    _merge(cfg, changes)
    cfg.language_model.name = str(bert)
    cfg.backbone.pop('init_cfg', None)
    cfg.backbone.with_cp = False
    cfg.encoder.num_cp = 0  # fairscale's, for training
    detector = MMDET_MODELS.build(dict(cfg, _scope_='mmdet'))
    _fit_transformers(detector.language_model)
    detector.decoder.ref_point_head.register_forward_pre_hook(_thin_encoding)
    return detector


def _merge(cfg: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(cfg.get(key), dict):
            _merge(cfg[key], value)
        else:
            cfg[key] = value


def _fit_transformers(language_model: nn.Module) -> None:
    """Let mmdetection's BERT run with transformers 5, where a method is gone and masks (B, L, L) are (B, 1, L, L)."""
    tokenizer = language_model.tokenizer
    if hasattr(tokenizer, 'batch_encode_plus'):
        return
    tokenizer.batch_encode_plus = tokenizer.__call__

    def with_heads(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        mask = kwargs['attention_mask']
        return args, dict(kwargs, attention_mask=mask[:, None] if mask.ndim == 3 else mask)

    language_model.language_backbone.body.model.register_forward_pre_hook(with_heads, with_kwargs=True)


def _thin_encoding(head: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
    """Take every other frequency of a position encoding that is twice as wide as Grounding DINO reads.

    OneDL's mmdetection 3.5 encodes positions of all DINO decoders with twice as many frequencies, among them all of
    those that Grounding DINO was trained with: the k-th of n is T^(k/n).
    """
    (encoding,) = args
    if encoding.shape[-1] == 2 * head.layers[0].in_features:
        encoding = encoding.unflatten(-1, (4, -1, 2))[..., ::2, :].flatten(-3)
    return (encoding,)


def _steps(pipeline: Sequence[dict]) -> list[Any]:
    """Build a test pipeline without the steps that read files."""
    import mmdet.datasets
    from mmdet.registry import TRANSFORMS

    assert mmdet.datasets
    kept = [step for step in pipeline if step['type'] not in _READING]
    return [TRANSFORMS.build(dict(step, _scope_='mmdet')) for step in kept]
