import pytest


@pytest.fixture(scope='session')
def arm():
    """Skips where there is no inverse kinematics."""
    pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")
    pytest.importorskip('mink', reason="needs pip install 'mmvg[sim]'")


@pytest.fixture(scope='session')
def blocks(arm, renderer):
    """A table with a block, and a sentence that means it."""
    from mmvg.simulation import TableSentence, draw_table

    scene = draw_table(3, 'isolated', kinds=('block',))
    index = [thing.kind for thing in scene.objects].index('block')
    return scene, TableSentence('the block', 'attribute', (index,), None)
