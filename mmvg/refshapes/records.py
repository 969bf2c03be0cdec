"""One finished picture with its objects and what is said about them; this is what writers get."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from mmvg.masks import decode_mask, polygons_to_rle

from .attributes import HELD_OUT
from .drawing import Drawing, draw_scene
from .english import Writer, as_typed
from .expressions import kind_of
from .layout import choose, sample_scene
from .polygons import polygon_area, polygon_box, to_polygons
from .proposals import Proposer
from .recipes import SPLITS, STYLES, Recipe, Style
from .scene import Scene
from .shapes import SHAPES
from .view import SeenObject, View

# COCO has 80 categories with ids from 1 to 90; ours have gaps as well
CATEGORY_IDS: dict[str, int] = dict(zip(SHAPES, (1, 2, 3, 5, 8, 13, 16, 21, 27, 34, 44, 58, 74, 90), strict=True))
MIN_IOU = 0.95  # of the polygons of an object with its mask; scenes below are drawn anew
_HANDLE_PIXELS = 12  # a handle of fewer visible pixels is not spoken of


@dataclass(frozen=True)
class Annotation:
    """One object as COCO describes it: ids, box ``[x, y, w, h]``, area, polygons; and what COCO does not have.

    Args:
        handle: Polygons of the visible handle, if any.
        visible: Share of the object that is not covered.
    """

    ann_id: int
    category_id: int
    bbox: list[float]
    area: float
    segmentation: list[list[float]]
    handle: list[list[float]]
    visible: float


@dataclass(frozen=True)
class Sentence:
    """An expression as typed and cleaned, and its kind (one of ``KINDS``)."""

    raw: str
    sent: str
    kind: str


@dataclass(frozen=True)
class Reference:
    """The objects meant, as indices into the picture, and the sentences that mean them; there may be none of either."""

    targets: tuple[int, ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class SceneRecord:
    """A drawn picture.

    Args:
        image_id, file_name: As in COCO train2014.
        split: One of ``SPLITS``.
        scene: What was drawn; ``draw_scene(scene, oversample)`` gives pixels and masks again.
        annotations: One per object of the scene, in the same order.
        references: Style (key of ``STYLES``) -> references.
    """

    image_id: int
    file_name: str
    split: str
    scene: Scene
    oversample: int
    annotations: list[Annotation]
    references: dict[str, list[Reference]] = field(default_factory=dict)


def make_record(recipe: Recipe, seed: int, split: str, index: int, styles: list[str]) -> tuple[SceneRecord, np.ndarray]:
    """Draw picture ``index`` (counted over all splits) and talk about it; returns the record and the BGR image.

    The result depends on the arguments alone, and the pictures and each style draw from random numbers of their own.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, 0)))
    annotations = None
    while annotations is None:
        scene = sample_scene(rng, recipe.scene, held_out=split == 'testB')
        drawing = draw_scene(scene, recipe.oversample)
        annotations = _annotate(scene, drawing, index)
    image_id = 13 * index + 9
    file_name = f'COCO_train2014_{image_id:012d}.jpg'
    record = SceneRecord(image_id, file_name, split, scene, recipe.oversample, annotations)
    view = view_of(record)
    for style in styles:
        key = (index, 1 + list(STYLES).index(style))
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        proposer = Proposer(view, rng, unnamed=() if split == 'testB' else HELD_OUT)
        record.references[style] = _refer(proposer, recipe.style(style))
    return record, drawing.image


def view_of(record: SceneRecord) -> View:
    """What a reader of the picture can know of it; positions are centres of the annotated boxes."""
    unit = record.scene.short_side
    seen = []
    for thing, annotation in zip(record.scene.objects, record.annotations, strict=True):
        x, y, w, h = annotation.bbox
        seen.append(
            SeenObject(
                thing.shape,
                thing.colour,
                thing.size,
                thing.pattern,
                x=(x + w / 2) / unit,
                y=(y + h / 2) / unit,
                handle=bool(annotation.handle),
            )
        )
    return View(record.scene.width / unit, record.scene.height / unit, tuple(seen))


def _annotate(scene: Scene, drawing: Drawing, index: int) -> list[Annotation] | None:
    """Annotations of all objects, or None when the polygons of one do not follow its mask."""
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


def _refer(proposer: Proposer, style: Style) -> list[Reference]:
    """References of one picture in one style; no sentence is used twice."""
    rng = proposer.rng
    spoken: set[str] = set()
    wanted = int(rng.integers(style.references[0], style.references[1] + 1))
    if style.several:
        found = [_say(proposer, style, None, spoken) for _ in range(wanted)]
    else:
        objects = rng.permutation(len(proposer.view.objects))[:wanted]
        found = [_say(proposer, style, int(i), spoken) for i in objects]
    references = [reference for reference in found if reference is not None]
    if rng.random() < style.silent:
        references.append(Reference((int(rng.integers(len(proposer.view.objects))),), ()))
    return references


def _say(proposer: Proposer, style: Style, target: int | None, spoken: set[str]) -> Reference | None:
    """One reference; without ``target``, all its sentences word the same expression."""
    rng = proposer.rng
    writer = Writer(rng, style.long)
    sentences: list[Sentence] = []
    proposal = None
    for _ in range(choose(rng, style.sentences)):
        for _ in range(8):
            if target is not None or not sentences:
                kind = choose(rng, style.mix.weights())
                proposal = proposer.propose(kind, target)
            if proposal is None:
                continue
            expression, answer = proposal
            sent = writer.write(expression)
            if sent not in spoken:
                spoken.add(sent)
                kind = kind_of(expression) if answer.targets else 'no_target'
                sentences.append(Sentence(as_typed(sent, rng), sent, kind))
                break
    return Reference(answer.targets, tuple(sentences)) if sentences else None


def write_image(path: str, image: np.ndarray) -> None:
    """Write a BGR image as a JPEG without colour subsampling.

    Raises:
        OSError: The file could not be written.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    if not cv2.imwrite(path, image, options):
        raise OSError(f'{path}: the image could not be written; is the disk full or the folder read-only?')


def split_of(recipe: Recipe, index: int) -> str:
    """Split of picture ``index``: the splits follow one another."""
    for split in SPLITS:
        if index < recipe.images[split]:
            return split
        index -= recipe.images[split]
    raise IndexError(f'picture {index} is beyond the last one of this size')
