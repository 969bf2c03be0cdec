"""How the tiny model of each system learns scenes by heart in seconds; see ``configs/*/tiny.py``."""

from mmvg.analysis.memorise.learning import Recipe

#: What differs from :class:`Recipe`, by the folder of the config.
_RECIPES = dict(
    cris=Recipe(steps=300),
    crog=Recipe(
        steps=1000,
        options={'model.head.coarse.channels': 32, 'model.head.criterion.grasp_weight': 3.0},
    ),
    eevg=Recipe(
        options={
            'image_channels': 24,
            'text_channels': 16,
            'channels': 64,  # a cell draws a patch of 8 x 8 logits
            'model.backbone.image.patch_embed.channels': (8, 16, '${image_channels}'),
            'model.neck.decoder.elimination.threshold': 0.0,  # with few cells, some of the target would be left out
        }
    ),
    ggcnn=Recipe(
        steps=800,
        lr=1e-2,
        options={
            'channels': 32,
            'map_channels': 32,
            'sentence_channels': 16,
            'model.backbone.image.channels': (16, 32, '${channels}'),
            'model.neck.channels': (32, 32, '${map_channels}'),
            'model.head.criterion.grasp_weight': 10.0,
            'model.head.criterion.angle_on_grasp_only': True,
        },
    ),
    grconvnet=Recipe(
        steps=600,
        options={
            'channels': 32,
            'map_channels': 16,
            'sentence_channels': 16,
            'model.backbone.image.channels': (8, 16, '${channels}'),
            'model.neck.channels': (16, 16, '${map_channels}'),
        },
    ),
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
    simvg=Recipe(steps=600, options={'channels': 24, 'encoder_channels': 48}),
)


def recipe_of(system: str) -> Recipe:
    """The recipe of ``configs/<system>/tiny.py``."""
    return _RECIPES.get(system, Recipe())
