from pathlib import Path

import pytest
from filelock import FileLock
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvg.refshapes import generate

CONFIGS = Path(__file__).parents[1] / 'configs'


@pytest.fixture(autouse=True)
def leave_no_default_scope():
    """A Runner sets MMEngine's default scope for the whole process; the next test must not look names up in it."""
    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()


def pytest_addoption(parser):
    parser.addoption(
        '--record-first-losses', action='store_true', help='write tests/models/first_losses.json anew, do not compare'
    )


@pytest.fixture(scope='session')
def refshapes_tiny(tmp_path_factory, request):
    """The smallest RefShapes in every format, drawn once for all processes of the run; read it, write elsewhere."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, 'workerinput') else base
    root = shared / 'refshapes_tiny'
    with FileLock(f'{root}.lock'):
        generate(root, 'tiny', seed=0, workers=1)  # nothing happens when it is there
        trainval = root / 'images/trainval2014'  # the folder of Ref-ZOM's pictures, for configs that name it so
        if not trainval.exists():
            trainval.symlink_to(root / 'ref-zom/trainval2014')
    return root


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
