"""Does a model answer where it was taught to? A few clean scenes, learned by heart, and how far the answers lie off.

What a model has learned by heart, it should answer to the pixel, as far as the grid of its logits can express it. Any
constant shift that is left, or masks that stay ragged, come from geometry: targets, losses and answers on different
grids, or cells that look beside their place.
"""

from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import Compose
from torch import Tensor, nn

from mmvg.config import read_config
from mmvg.datasets.transforms import resize_masks
from mmvg.masks import decode_mask, encode_mask
from mmvg.models.backbones import ConvTower
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample, input_to_original_masks

#: Words of the sentences that go with the scenes.
VOCABULARY = ('[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the', 'red', 'one')
_BACKGROUND, _RED, _OTHERS = (60, 70, 80), (40, 40, 220), ((200, 120, 30), (60, 180, 60))


def draw_scenes(
    folder: str | Path, sizes: Sequence[tuple[int, int]] = ((112, 84), (84, 112)), count: int = 8, seed: int = 0
) -> list[dict]:
    """Draw ``count`` pictures of one red shape among two others, and return data items as a dataset has them.

    The shape is a turned rectangle or ellipse with one grasp across its narrow side. Pictures are anti-aliased; a pixel
    is of the mask if its centre is.

    Args:
        folder: Where PNG files and ``vocab.txt`` go.
        sizes: (width, height) of the pictures, in turn.
        count: Number of pictures.
        seed: Of the places and shapes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'vocab.txt').write_text('\n'.join(VOCABULARY) + '\n', encoding='utf-8')
    random = np.random.default_rng(seed)
    items = []
    for index in range(count):
        width, height = sizes[index % len(sizes)]
        image = np.full((height, width, 3), _BACKGROUND, np.float64)
        side = max(width, height)
        places = random.permutation(4)[:3]  # three quarters of the picture, so that no shape covers another
        for place, colour in zip(places, (*_OTHERS, _RED), strict=True):
            x = width * (0.27 + 0.46 * (place % 2)) + side * random.uniform(-0.02, 0.02)
            y = height * (0.27 + 0.46 * (place // 2)) + side * random.uniform(-0.02, 0.02)
            long, short = side * random.uniform(0.28, 0.33), side * random.uniform(0.15, 0.18)
            theta = random.uniform(-np.pi / 2, np.pi / 2)
            round_shape = bool(random.integers(2))
            covered = _coverage(width, height, (x, y, long, short, theta), round_shape)
            image += covered[..., None] * (np.array(colour) - image)
        mask = _inside(width, height, (x, y, long, short, theta), round_shape, (0.5,))[0]
        path = folder / f'{index}.png'
        cv2.imwrite(str(path), np.rint(image).astype(np.uint8))
        rows, columns = np.nonzero(mask)
        box = [float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
        rle = encode_mask(mask)
        items.append(
            dict(
                dataset='scenes',
                img_id=index,
                ref_id=index,
                sent_id=index,
                img_path=str(path),
                height=height,
                width=width,
                text='the red one',
                no_target=False,
                instances=[dict(bbox=box, bbox_label=0, ignore_flag=0, ann_id=index, mask=rle)],
                # from corners to centres of pixels, as grasps are counted; across the narrow side
                grasps=np.array([[x - 0.5, y - 0.5, 1.2 * short, side / 8, _fold(theta + np.pi / 2)]]),
            )
        )
    return items


def config_for(path: str | Path, size: int, vocab_file: str | Path) -> Config:
    """Read the config of a small model, with inputs of ``size`` pixels, for the scenes.

    Lengths of grasps, which are in pixels of the input, grow with it. A model that needs whole cells gets the next
    smaller size that has them.
    """
    cfg = read_config(path)
    image = cfg.model.backbone.get('image', {})
    if image.get('type') is ConvTower:
        size -= size % prod(image.strides)
    options = dict(size=size, vocab_file=str(vocab_file))
    if 'jaw_size' in cfg.model.head.postprocess:
        options |= {'width_norm': 0.4 * size, 'model.head.postprocess.jaw_size': size / 8}
    return read_config(path, options)


def _inside(
    width: int, height: int, shape: tuple[float, float, float, float, float], is_round: bool, offsets: Sequence[float]
) -> np.ndarray:
    """Whether points of each pixel, ``offsets`` from its corner along both axes, are inside: (K * K, H, W) bool."""
    x, y, long, short, theta = shape
    found = []
    for dy in offsets:
        for dx in offsets:
            columns, rows = np.meshgrid(np.arange(width) + dx - x, np.arange(height) + dy - y)
            along = columns * np.cos(theta) - rows * np.sin(theta)
            across = columns * np.sin(theta) + rows * np.cos(theta)
            u, v = 2 * along / long, 2 * across / short
            found.append(u**2 + v**2 <= 1 if is_round else np.maximum(abs(u), abs(v)) <= 1)
    return np.stack(found)


def _coverage(width: int, height: int, shape: tuple, is_round: bool) -> np.ndarray:
    return _inside(width, height, shape, is_round, (np.arange(4) + 0.5) / 4).mean(0)


def _fold(theta: float) -> float:
    return (theta + np.pi / 2) % np.pi - np.pi / 2


def load_samples(pipeline: Sequence[dict], items: Sequence[dict]) -> dict[str, list]:
    """A batch of ``items``, read by ``pipeline``: lists of ``inputs`` and ``data_samples``."""
    compose = Compose([dict(step) for step in pipeline])
    packed = [compose(dict(item)) for item in items]
    return dict(inputs=[one['inputs'] for one in packed], data_samples=[one['data_samples'] for one in packed])


def learn(model: nn.Module, batch: dict[str, list], steps: int, lr: float = 3e-3) -> list[float]:
    """Train ``model`` on one batch with AdamW and a cosine; the sum of its losses at each step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    warm = max(1, steps // 20)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warm, 0.5 + 0.5 * np.cos(np.pi * max(0, i - warm) / (steps - warm)) + 1e-3)
    )
    data = model.data_preprocessor(batch, training=True)
    model.train()
    curve = []
    for _ in range(steps):
        losses = model(data['inputs'], data['data_samples'], mode='loss')
        loss = sum(value for name, value in losses.items() if 'loss' in name)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        curve.append(float(loss))
    return curve


@torch.no_grad()
def answer(model: nn.Module, batch: dict[str, list]) -> list[GroundingSample]:
    """Let ``model`` answer a batch of a test pipeline."""
    model.eval()
    data = model.data_preprocessor(batch, training=False)
    return model(data['inputs'], data['data_samples'], mode='predict')


def perfect_answers(
    head: nn.Module, outputs: dict[str, Tensor], train: list[GroundingSample], test: list[GroundingSample]
) -> list[GroundingSample]:
    """What ``head`` answers when its loss has got all that it wants: no network is asked.

    ``outputs``, what the head's ``forward`` returns, become free numbers; the loss on ``train`` is minimised over them;
    then they are the answer to ``test``.

    Args:
        head: A head with ``loss`` and ``predict``.
        outputs: Start values; entries that are no tensors stay.
        train: The samples in input pixels, as a training pipeline packs them.
        test: The same in the form of a test pipeline.
    """
    free = {key: _free(value) for key, value in outputs.items()}
    parameters = [p for value in free.values() for p in (value if isinstance(value, list) else [value])]
    parameters = [p for p in parameters if isinstance(p, Tensor)]
    head = head.train()
    features = SimpleNamespace(pixels=parameters[0], images=[parameters[0]], sentence=None)
    original, head.forward = head.forward, lambda features: _bounded(free)
    try:
        _minimise(parameters, lambda: sum(v for k, v in head.loss(features, train).items() if 'loss' in k))
        with torch.no_grad():
            return head.eval().predict(features, test)
    finally:
        head.forward = original


def _free(value: Tensor | list | None) -> Tensor | list | None:
    if isinstance(value, list):
        return [_free(part) for part in value]
    return value.detach().clone().float().requires_grad_() if isinstance(value, Tensor) else value


def _bounded(free: dict) -> dict:
    """Fractions and probabilities are free between 0 and 1."""
    bounded = ('boxes_cxcywh_norm', 'points', 'attention')
    return {k: v.sigmoid() if k.endswith(bounded) and isinstance(v, Tensor) else v for k, v in free.items()}


def _minimise(parameters: list[Tensor], loss: Callable[[], Tensor], steps: int = 300, lr: float = 0.3) -> None:
    optimizer = torch.optim.Adam(parameters, lr=lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        scheduler.step()


def best_masks(samples: list[GroundingSample], masks: list[np.ndarray], grid: tuple[int, int]) -> list[np.ndarray]:
    """The masks nearest to ``masks``, in original pixels, that a model can answer with whose logits lie on a grid.

    A mask is brought to the pixels of the input, free logits on the grid are enlarged to it (bilinear, pixel centres)
    and fitted, and their probabilities are brought back to the original image.

    Args:
        samples: As a test pipeline packs them.
        masks: (H, W) bool in original pixels, one per sample.
        grid: (h, w) of the logits, over the input.
    """
    found = []
    for sample, mask in zip(samples, masks, strict=True):
        height, width = sample.img_shape[:2]
        left, top, inner_width, inner_height = _window(sample, mask.shape)
        wanted = torch.zeros(1, 1, height, width)
        inner = resize_masks(mask[None].astype(np.uint8), (inner_width, inner_height))
        wanted[0, :, top : top + inner_height, left : left + inner_width] = torch.from_numpy(inner)
        logits = torch.zeros(1, 1, *grid, requires_grad=True)

        def fitted(size: tuple[int, int] = (height, width), logits: Tensor = logits) -> Tensor:
            return F.interpolate(logits, size=size, mode='bilinear', align_corners=False)

        def loss(wanted: Tensor = wanted, fitted: Callable = fitted) -> Tensor:
            return F.binary_cross_entropy_with_logits(fitted(), wanted)

        _minimise([logits], loss, steps=150, lr=0.5)
        prob = input_to_original_masks(fitted().detach().sigmoid()[0], sample.metainfo, 'bilinear')
        found.append((prob[0] > 0.5).numpy())
    return found


def _window(sample: GroundingSample, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where an image of ``shape`` (H, W) lies in the input: left, top, width and height."""
    matrix = np.asarray(sample.homography_matrix, dtype=np.float64)
    left, top = round(matrix[0, 2]), round(matrix[1, 2])
    return left, top, round(matrix[0, 0] * shape[1]), round(matrix[1, 1] * shape[0])


def mask_iou(left: np.ndarray, right: np.ndarray) -> float:
    """IoU of two masks (H, W)."""
    return float((left & right).sum() / max((left | right).sum(), 1))


def measure(samples: list[GroundingSample], items: Sequence[dict]) -> dict[str, float]:
    """How near the answers are to the truth of ``items``; offsets are in input pixels, + is right and down.

    ``miou`` and ``box_iou`` in [0, 1]; ``mask_dx``, ``mask_dy``, ``box_dx``, ``box_dy`` the mean offset of centres;
    ``attention_dx``, ``attention_dy`` that of the attention map against the covered area of its cells;
    ``point_in_box``, the share of samples whose first point lies in the box; ``grasp_px``, ``grasp_degrees`` and
    ``grasp_opening``, the largest distance of centres, of angles, and relative error of openings of the best grasps, in
    original pixels. What a model does not answer is left out.
    """
    rows = [_measure_one(sample, item) for sample, item in zip(samples, items, strict=True)]
    worst = ('grasp_px', 'grasp_degrees', 'grasp_opening')
    return {key: float((np.max if key in worst else np.mean)([row[key] for row in rows])) for key in rows[0]}


def true_mask(item: dict) -> np.ndarray:
    """The mask (H, W) bool of a data item of one target, in original pixels."""
    return decode_mask(item['instances'][0]['mask'])


def _measure_one(sample: GroundingSample, item: dict) -> dict[str, float]:
    mask, box = true_mask(item), np.array(item['instances'][0]['bbox'])
    matrix = np.asarray(sample.homography_matrix, dtype=np.float64)
    scale = np.array([matrix[0, 0], matrix[1, 1]])
    row = {}
    if 'pred_sem_seg' in sample:
        found = sample.pred_sem_seg.sem_seg[0].numpy().astype(bool)
        offset = scale * (_centre(found) - _centre(mask))
        row |= dict(miou=mask_iou(found, mask), mask_dx=offset[0], mask_dy=offset[1])
    if 'pred_instances' in sample and 'bboxes' in sample.pred_instances:
        instances = sample.pred_instances
        best = int(instances.scores.argmax())
        found = instances.bboxes[best].numpy()
        offset = scale * ((found[:2] + found[2:]) / 2 - (box[:2] + box[2:]) / 2)
        row |= dict(box_iou=_box_iou(found, box), box_dx=offset[0], box_dy=offset[1])
        if 'points' in instances:
            x, y = instances.points[0].tolist()
            row['point_in_box'] = float(box[0] <= x <= box[2] and box[1] <= y <= box[3])
            inside = 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0]
            row['point_on_mask'] = float(inside and mask[int(y), int(x)])
    if 'pred_attention' in sample:
        attention = sample.pred_attention.numpy()
        whole = cv2.warpAffine(mask.astype(np.float32), _centred(matrix), sample.img_shape[1::-1], flags=cv2.INTER_AREA)
        share = F.adaptive_avg_pool2d(torch.from_numpy(whole)[None, None], attention.shape)[0, 0].numpy()
        cell = np.array(sample.img_shape[1::-1]) / attention.shape[::-1]
        offset = cell * (_centre(attention) - _centre(share))
        row |= dict(attention_dx=offset[0], attention_dy=offset[1])
    if 'pred_grasps' in sample:
        grasps, truth = sample.pred_grasps.grasps.numpy(), item['grasps'][0]
        best = grasps[0] if len(grasps) else np.full(5, np.nan)
        row['grasp_px'] = float(np.hypot(*(best[:2] - truth[:2])))
        row['grasp_degrees'] = float(np.rad2deg(abs(_fold(best[4] - truth[4]))))
        row['grasp_opening'] = float(abs(best[2] / truth[2] - 1))
    return row


def _centred(matrix: np.ndarray) -> np.ndarray:
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the centre of the first pixel
    return (np.linalg.inv(half) @ matrix @ half)[:2]


def _centre(weights: np.ndarray) -> np.ndarray:
    """Centre (x, y) of a map (h, w), counted from the corner of its first cell."""
    rows, columns = np.indices(weights.shape) + 0.5
    total = weights.sum() or np.nan
    return np.array([(weights * columns).sum() / total, (weights * rows).sum() / total])


def _box_iou(left: np.ndarray, right: np.ndarray) -> float:
    common = np.clip(np.minimum(left[2:], right[2:]) - np.maximum(left[:2], right[:2]), 0, None).prod()
    return float(common / ((left[2:] - left[:2]).prod() + (right[2:] - right[:2]).prod() - common))


def build(cfg: Config, seed: int = 0) -> nn.Module:
    """The model of ``cfg`` with fresh weights."""
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model
