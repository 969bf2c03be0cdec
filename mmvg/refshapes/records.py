"""Data classes for a finished picture, its objects and its expressions: what format writers get."""

from dataclasses import dataclass, field

from .scene import Scene
from .shapes import SHAPES
from .visible_scene import VisibleObject, VisibleScene

# COCO has 80 categories with ids from 1 to 90; ours have gaps as well
CATEGORY_IDS: dict[str, int] = dict(zip(SHAPES, (1, 2, 3, 5, 8, 13, 16, 21, 27, 34, 44, 58, 74, 90), strict=True))


@dataclass(frozen=True)
class Annotation:
    """One object as COCO describes it, and what COCO does not have.

    Args:
        ann_id, category_id: As in COCO.
        bbox: ``[x, y, w, h]`` around the polygons, in pixels.
        area: In square pixels.
        segmentation: Polygons ``[x0, y0, x1, y1, ...]`` of what is visible.
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
    """One sentence.

    Args:
        raw: As typed.
        sent: Cleaned.
        kind: One of ``KINDS``.
    """

    raw: str
    sent: str
    kind: str


@dataclass(frozen=True)
class Reference:
    """Objects, and the sentences that mean them.

    Args:
        targets: Indices into the objects of the picture; may be empty.
        sentences: May be empty too.
    """

    targets: tuple[int, ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class SceneRecord:
    """A drawn picture.

    Args:
        image_id, file_name: As in COCO train2014.
        split: One of ``SPLITS``.
        scene: What was drawn; ``draw_scene(scene, oversample)`` gives pixels and masks again.
        oversample: Fine pixels per image pixel, along one side.
        annotations: One per object of the scene, in the same order.
        references: Style (key of ``STYLES``) -> references.

    Example:
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=['refcoco'])
        >>> record.file_name, len(record.annotations) == len(record.scene.objects)
        ('COCO_train2014_000000000009.jpg', True)
    """

    image_id: int
    file_name: str
    split: str
    scene: Scene
    oversample: int
    annotations: list[Annotation]
    references: dict[str, list[Reference]] = field(default_factory=dict)


def visible_scene(record: SceneRecord) -> VisibleScene:
    """Return what a reader of the picture can know of it; positions are centres of the annotated boxes."""
    unit = record.scene.short_side
    seen = []
    for thing, annotation in zip(record.scene.objects, record.annotations, strict=True):
        x, y, w, h = annotation.bbox
        seen.append(
            VisibleObject(
                thing.shape,
                thing.colour,
                thing.size,
                thing.pattern,
                x=(x + w / 2) / unit,
                y=(y + h / 2) / unit,
                handle=bool(annotation.handle),
            )
        )
    return VisibleScene(record.scene.width / unit, record.scene.height / unit, tuple(seen))
