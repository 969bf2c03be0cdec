"""Settings of the named sizes: how many images, what they look like, and which kinds of expressions they have."""

from dataclasses import dataclass, field, fields, replace

from .layout import SceneSettings

VERSION = '1.2'  # raise it whenever the same seed would give other bytes
SPLITS = ('train', 'val', 'testA', 'testB')


@dataclass(frozen=True)
class KindWeights:
    """Weight of each kind of expression; they need not add up to one.

    Kinds that a scene has no example of are replaced by another draw, so rare ones come out rarer than asked for.

    Example:
        >>> KindWeights(attribute=0.9, part=0.1).nonzero()
        {'attribute': 0.9, 'part': 0.1}
    """

    attribute: float = 0.0
    place: float = 0.0
    relation: float = 0.0
    ordinal: float = 0.0
    count: float = 0.0
    group: float = 0.0
    conjunction: float = 0.0
    part: float = 0.0
    no_target: float = 0.0

    def nonzero(self) -> dict[str, float]:
        """Return kind -> weight, without zeros."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}


@dataclass(frozen=True)
class Style:
    """Way in which one data set talks about a picture.

    Args:
        kinds: Kinds of expressions.
        references: Fewest and most references per picture.
        sentences: Number of sentences per reference -> weight.
        long: Long sentences, as in RefCOCOg.
        several: References may have none or several targets; otherwise each has exactly one.
        without_sentences: Share of additional references without any sentence, as gRefCOCO has some.

    Example:
        >>> style = Style(KindWeights(attribute=1), references=(1, 4), sentences={2: 0.2, 3: 0.8})
        >>> style.long, style.several
        (False, False)
    """

    kinds: KindWeights
    references: tuple[int, int]
    sentences: dict[int, float]
    long: bool = False
    several: bool = False
    without_sentences: float = 0.0


GENERALIZED = KindWeights(
    attribute=0.42,
    place=0.15,
    relation=0.07,
    ordinal=0.06,
    count=0.08,
    group=0.10,
    conjunction=0.08,
    part=0.04,
    no_target=0.24,
)

STYLES: dict[str, Style] = {
    'grefcoco': Style(GENERALIZED, (5, 8), {1: 0.8, 2: 0.2}, several=True, without_sentences=0.03),
    'refcoco': Style(
        KindWeights(attribute=0.45, place=0.35, relation=0.12, ordinal=0.05, part=0.05),
        (1, 4),
        {2: 0.2, 3: 0.75, 4: 0.05},
    ),
    'refcoco+': Style(KindWeights(attribute=0.9, part=0.1), (1, 4), {2: 0.2, 3: 0.75, 4: 0.05}),
    'refcocog': Style(
        KindWeights(attribute=0.4, place=0.25, relation=0.25, ordinal=0.05, part=0.05),
        (1, 3),
        {1: 0.15, 2: 0.85},
        long=True,
    ),
}


@dataclass(frozen=True)
class SizeSettings:
    """Settings of one named size.

    Args:
        images: Number of images per split.
        scene: Look of the scenes.
        kinds: Style (key of ``STYLES``) -> its kinds of expressions, where they are not the usual ones.
        oversample: Fineness of the drawing canvas over the image.

    Example:
        >>> sum(SIZES['tiny'].images.values()), SIZES['tiny'].style('refcocog').long
        (44, True)
    """

    images: dict[str, int]
    scene: SceneSettings = field(default_factory=SceneSettings)
    kinds: dict[str, KindWeights] = field(default_factory=dict)
    oversample: int = 3

    def style(self, name: str) -> Style:
        """Return the style ``name`` as this size has it."""
        return replace(STYLES[name], kinds=self.kinds[name]) if name in self.kinds else STYLES[name]


# Few, large and mostly plain objects of ten shapes, mostly short sentences: ten minutes on a CPU can learn from these.
_EASY_SCENES = SceneSettings(
    object_counts={3: 0.35, 4: 0.33, 5: 0.2, 6: 0.07, 7: 0.02, 8: 0.01, 9: 0.01, 10: 0.01},
    shapes=('disc', 'ring', 'square', 'triangle', 'star', 'cross', 'heart', 'bar', 'hammer', 'mug'),
    extents={'small': (0.26, 0.31), 'large': (0.4, 0.5)},
    patterns={'plain': 0.8, 'striped': 0.1, 'dotted': 0.1},
    overlap=0.2,
)
_EASY_KINDS = KindWeights(
    attribute=0.58,
    place=0.1,
    relation=0.02,
    ordinal=0.02,
    count=0.05,
    group=0.1,
    conjunction=0.06,
    part=0.02,
    no_target=0.22,
)
_LARGE_CANVASES = ((480, 360), (360, 480), (432, 432), (512, 384))

SIZES: dict[str, SizeSettings] = {
    'tiny': SizeSettings(images=dict(train=24, val=8, testA=6, testB=6)),
    'small': SizeSettings(
        images=dict(train=8000, val=300, testA=150, testB=150), scene=_EASY_SCENES, kinds=dict(grefcoco=_EASY_KINDS)
    ),
    'full': SizeSettings(
        images=dict(train=40000, val=1500, testA=750, testB=750),
        scene=SceneSettings(
            canvases=_LARGE_CANVASES,
            object_counts={3: 0.1, 4: 0.15, 5: 0.17, 6: 0.17, 7: 0.14, 8: 0.12, 9: 0.08, 10: 0.07},
        ),
        oversample=2,
    ),
}
