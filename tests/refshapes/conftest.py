import pytest

from mmvg.refshapes import SIZES, STYLES, make_record


@pytest.fixture(scope='session')
def records():
    """Sixty pictures in all styles, a third of them from testB, whose numbers do not matter."""
    return [make_record(SIZES['tiny'], 5, 'testB' if i % 3 == 2 else 'train', i, list(STYLES))[0] for i in range(60)]


@pytest.fixture(scope='session')
def tiny(refshapes_tiny):
    """Root of a whole data set of size tiny."""
    return refshapes_tiny
