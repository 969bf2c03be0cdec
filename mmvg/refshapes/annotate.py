"""Draw a picture, annotate it, and write sentences about it."""

import numpy as np

from mmvg.masks import decode_mask, polygons_to_rle

from .attributes import HELD_OUT
from .drawing import Drawing, draw_scene
from .expression_sampler import ExpressionSampler
from .expressions import kind_of
from .layout import choose, sample_scene
from .polygons import polygon_area, polygon_box, to_polygons
from .records import CATEGORY_IDS, Annotation, Reference, SceneRecord, Sentence, visible_scene
from .scene import Scene
from .sizes import SPLITS, STYLES, SizeSettings, Style
from .wording import SentenceWriter, as_typed

MIN_IOU = 0.95  # of the polygons of an object with its mask; a scene below is drawn anew
_HANDLE_PIXELS = 12  # a handle with fewer visible pixels is not mentioned


def make_record(
    settings: SizeSettings, seed: int, split: str, index: int, styles: list[str]
) -> tuple[SceneRecord, np.ndarray]:
    """Draw a picture and talk about it.

    The result depends on the arguments alone, and the pictures and each style draw from random numbers of their own.

    Args:
        settings: Of the size.
        seed: Of the data set.
        split: One of ``SPLITS``.
        index: Number of the picture, counted over all splits.
        styles: Keys of ``STYLES``.

    Returns:
        The record, and the image (H, W, 3) uint8 BGR.

    Example:
        >>> from mmvg.refshapes import SIZES
        >>> record, image = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=['refcoco'])
        >>> image.shape, record.references['refcoco'][0].sentences[0].sent
        ((120, 160, 3), 'the large disc below the blue star')
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, 0)))
    annotations = None
    while annotations is None:
        scene = sample_scene(rng, settings.scene, held_out=split == 'testB')
        drawing = draw_scene(scene, settings.oversample)
        annotations = _annotate(scene, drawing, index)
    image_id = 13 * index + 9
    file_name = f'COCO_train2014_{image_id:012d}.jpg'
    record = SceneRecord(image_id, file_name, split, scene, settings.oversample, annotations)
    visible = visible_scene(record)
    for style in styles:
        key = (index, 1 + list(STYLES).index(style))
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        sampler = ExpressionSampler(visible, rng, excluded=() if split == 'testB' else HELD_OUT)
        record.references[style] = _draw_references(sampler, settings.style(style))
    return record, drawing.image


def split_of(settings: SizeSettings, index: int) -> str:
    """Return the split of picture ``index``: the splits follow one another.

    Raises:
        IndexError: If there are fewer pictures.
    """
    for split in SPLITS:
        if index < settings.images[split]:
            return split
        index -= settings.images[split]
    raise IndexError(f'picture {index} is beyond the last one of this size')


def _annotate(scene: Scene, drawing: Drawing, index: int) -> list[Annotation] | None:
    """Annotate all objects; None when the polygons of one do not follow its mask."""
    annotations = []
    for i, thing in enumerate(scene.objects):
        polygons = to_polygons(drawing.labels, i + 1, drawing.oversample)
        if not polygons:
            return None
        filled = decode_mask(polygons_to_rle(polygons, scene.height, scene.width))
        mask = drawing.masks[i]
        if (filled & mask).sum() < MIN_IOU * (filled | mask).sum():
            return None
        handle = []
        if drawing.handles[i].sum() >= _HANDLE_PIXELS:
            handle = to_polygons(drawing.handle_labels, i + 1, drawing.oversample)
        annotations.append(
            Annotation(
                ann_id=40 * index + 3 * i + 101,
                category_id=CATEGORY_IDS[thing.shape],
                bbox=polygon_box(polygons),
                area=polygon_area(polygons),
                segmentation=polygons,
                handle=handle,
                visible=round(float(drawing.visible[i]), 4),
            )
        )
    return annotations


def _draw_references(sampler: ExpressionSampler, style: Style) -> list[Reference]:
    """Draw the references of one picture in one style; no sentence is used twice."""
    rng = sampler.rng
    used: set[str] = set()
    wanted = int(rng.integers(style.references[0], style.references[1] + 1))
    if style.several:
        found = [_draw_reference(sampler, style, None, used) for _ in range(wanted)]
    else:
        objects = rng.permutation(len(sampler.scene.objects))[:wanted]
        found = [_draw_reference(sampler, style, int(i), used) for i in objects]
    references = [reference for reference in found if reference is not None]
    if rng.random() < style.without_sentences:
        references.append(Reference((int(rng.integers(len(sampler.scene.objects))),), ()))
    return references


def _draw_reference(sampler: ExpressionSampler, style: Style, target: int | None, used: set[str]) -> Reference | None:
    """Draw one reference; without ``target``, all its sentences word the same expression."""
    rng = sampler.rng
    writer = SentenceWriter(rng, style.long)
    sentences: list[Sentence] = []
    sampled = None
    for _ in range(choose(rng, style.sentences)):
        for _ in range(8):
            if target is not None or not sentences:
                kind = choose(rng, style.kinds.nonzero())
                sampled = sampler.sample(kind, target)
            if sampled is None:
                continue
            expression, answer = sampled
            sent = writer.write(expression)
            if sent not in used:
                used.add(sent)
                kind = kind_of(expression) if answer.targets else 'no_target'
                sentences.append(Sentence(as_typed(sent, rng), sent, kind))
                break
    return Reference(answer.targets, tuple(sentences)) if sentences else None
