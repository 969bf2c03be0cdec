"""How the tiny model of each system learns scenes by heart in seconds; see ``configs/*/tiny.py``."""

from mmvg.analysis.memorise.learning import Recipe

#: What differs from :class:`Recipe`, by the folder of the config.
_RECIPES = dict(
    cris=Recipe(steps=300),
    instancevg=Recipe(options={'channels': 24, 'encoder_channels': 48}),
    lggd=Recipe(
        steps=500,
        lr=1e-2,
        options={
            'map_channels': 8,
            'model.head.coarse.channels': 8,
            'model.head.refinement.widths': (8, 8, 16, 16),
        },
    ),
    raam=Recipe(
        options={
            'stage_channels': (24, 24, 24, 24),
            'region_channels': (24, 24, 24),
            'joined_channels': 72,
            'text_channels': 16,
            'model.backbone.image.patch_embed.channels': (8, 16, '${stage_channels.0}'),
            'model.head.hidden_channels': 64,  # a token draws a patch of 8 x 8 logits
        }
    ),
    segvlm=Recipe(steps=300),
)


def recipe_of(system: str) -> Recipe:
    """The recipe of ``configs/<system>/tiny.py``."""
    return _RECIPES.get(system, Recipe())
