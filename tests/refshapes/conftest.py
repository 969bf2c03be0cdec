import pytest

from mmvg.refshapes import SIZES, STYLES, generate, make_record


@pytest.fixture(scope='session')
def records():
    """Sixty pictures in all styles, a third of them from testB, whose numbers do not matter."""
    return [make_record(SIZES['tiny'], 5, 'testB' if i % 3 == 2 else 'train', i, list(STYLES))[0] for i in range(60)]


@pytest.fixture(scope='session')
def tiny(tmp_path_factory):
    """Root of a whole data set of size tiny."""
    root = tmp_path_factory.mktemp('refshapes') / 'tiny'
    generate(root, 'tiny', seed=0, workers=1)
    return root
