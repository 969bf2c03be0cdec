from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

CONFIGS = Path(__file__).parents[1] / 'configs'


@pytest.fixture(autouse=True)
def leave_no_default_scope():
    """A Runner sets MMEngine's default scope for the whole process; the next test must not look names up in it."""
    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture
def tiny_model_cfg():
    """The shipped InstanceVG in the sizes of ``tiny_official``."""
    model = Config.fromfile(CONFIGS / '_base_/models/instancevg_base.py').model
    model.backbone.update(
        img_size=32, patch_size=8, embed_dims=16, num_layers=2, num_heads=2, vocab_size=30, max_text_positions=12
    )
    model.neck.projection.update(image_channels=16, text_channels=16, out_channels=32)
    model.neck.query_generator.update(in_channels=32, num_queries=3)
    model.neck.pyramid.update(in_channels=32, out_channels=32)
    model.neck.query_decoder.update(embed_dims=32)
    model.neck.pixel_decoder.update(in_channels=32, out_channels=32)
    model.head.in_channels = 32
    return model
