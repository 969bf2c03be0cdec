import numpy as np
import pytest
from PIL import Image

from mmvg.refshapes import draw_scene, sample_scene

pytest.importorskip('pyarrow', reason="needs the extra: pip install 'mmvg[label]'")


@pytest.fixture(scope='session')
def pictures(tmp_path_factory):
    """Twelve drawn pictures in three folders, and four files that are none."""
    root = tmp_path_factory.mktemp('label') / 'pictures'
    for number in range(12):
        path = root / ('', 'a', 'a/b')[number % 3] / f'{number:02d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        scene = draw_scene(sample_scene(np.random.default_rng(number))).image
        Image.fromarray(np.ascontiguousarray(scene[..., ::-1])).save(path)
    whole = (root / '00.png').read_bytes()
    for name, content in {'05_text.jpg': b'notes', 'a/empty.png': b'', 'a/b/cut.png': whole[:200]}.items():
        (root / name).write_bytes(content)
    (root / 'a/gone.png').symlink_to(root / 'nothing.png')
    return root


@pytest.fixture(scope='session')
def broken():
    """Names of those that are none."""
    return ['05_text.jpg', 'a/b/cut.png', 'a/empty.png', 'a/gone.png']
