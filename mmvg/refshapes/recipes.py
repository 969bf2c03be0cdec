"""The named sizes: how many images, what they look like, and the mix of expressions."""

from dataclasses import dataclass, field, fields, replace

from .layout import SceneRecipe

VERSION = '1.2'  # raise it whenever the same seed would give other bytes
SPLITS = ('train', 'val', 'testA', 'testB')


@dataclass(frozen=True)
class Mix:
    """Weight of each kind of expression; they need not add up to one.

    Kinds that a scene has no example of are replaced by another draw, so rare ones come out rarer than asked for.
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

    def weights(self) -> dict[str, float]:
        """Kind -> weight, without zeros."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}


@dataclass(frozen=True)
class Style:
    """How one data set talks about a picture.

    Args:
        mix: Kinds of expressions.
        references: Fewest and most references per picture.
        sentences: Number of sentences per reference -> weight.
        long: Long sentences, as in RefCOCOg.
        several: References may have none or several targets; otherwise each has exactly one.
        silent: Share of additional references without any sentence, as gRefCOCO has some.
    """

    mix: Mix
    references: tuple[int, int]
    sentences: dict[int, float]
    long: bool = False
    several: bool = False
    silent: float = 0.0


GENERALIZED = Mix(
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
    'grefcoco': Style(GENERALIZED, (5, 8), {1: 0.8, 2: 0.2}, several=True, silent=0.03),
    'refcoco': Style(
        Mix(attribute=0.45, place=0.35, relation=0.12, ordinal=0.05, part=0.05), (1, 4), {2: 0.2, 3: 0.75, 4: 0.05}
    ),
    'refcoco+': Style(Mix(attribute=0.9, part=0.1), (1, 4), {2: 0.2, 3: 0.75, 4: 0.05}),
    'refcocog': Style(
        Mix(attribute=0.4, place=0.25, relation=0.25, ordinal=0.05, part=0.05), (1, 3), {1: 0.15, 2: 0.85}, long=True
    ),
}


@dataclass(frozen=True)
class Recipe:
    """One named size.

    Args:
        images: Number of images per split.
        scene: Look of the scenes.
        mixes: Style (key of ``STYLES``) -> its kinds of expressions, where they are not the usual ones.
        oversample: Fineness of the drawing canvas over the image.
    """

    images: dict[str, int]
    scene: SceneRecipe = field(default_factory=SceneRecipe)
    mixes: dict[str, Mix] = field(default_factory=dict)
    oversample: int = 3

    def style(self, name: str) -> Style:
        """Style ``name`` as this size has it."""
        return replace(STYLES[name], mix=self.mixes[name]) if name in self.mixes else STYLES[name]


# Few, large and mostly plain objects of ten shapes, mostly short sentences: ten minutes on a CPU can learn from these.
_EASY_SCENES = SceneRecipe(
    object_counts={3: 0.35, 4: 0.33, 5: 0.2, 6: 0.07, 7: 0.02, 8: 0.01, 9: 0.01, 10: 0.01},
    shapes=('disc', 'ring', 'square', 'triangle', 'star', 'cross', 'heart', 'bar', 'hammer', 'mug'),
    extents={'small': (0.26, 0.31), 'large': (0.4, 0.5)},
    patterns={'plain': 0.8, 'striped': 0.1, 'dotted': 0.1},
    overlap=0.2,
)
_EASY_MIX = Mix(
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

SIZES: dict[str, Recipe] = {
    'tiny': Recipe(images=dict(train=24, val=8, testA=6, testB=6)),
    'small': Recipe(
        images=dict(train=8000, val=300, testA=150, testB=150), scene=_EASY_SCENES, mixes=dict(grefcoco=_EASY_MIX)
    ),
    'full': Recipe(
        images=dict(train=40000, val=1500, testA=750, testB=750),
        scene=SceneRecipe(
            canvases=_LARGE_CANVASES,
            object_counts={3: 0.1, 4: 0.15, 5: 0.17, 6: 0.17, 7: 0.14, 8: 0.12, 9: 0.08, 10: 0.07},
        ),
        oversample=2,
    ),
}
