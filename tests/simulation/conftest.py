import pytest


@pytest.fixture(scope='session')
def renderer():
    """Skips the tests that render where nothing can."""
    pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")
    from mmvg.simulation import NoRendererError, draw_table, render_table

    try:
        render_table(draw_table(0, layout='isolated'))
    except NoRendererError as error:
        pytest.skip(str(error))


@pytest.fixture(scope='session')
def tables(renderer):
    """One table of each layout, and more."""
    from mmvg.simulation import LAYOUTS, draw_table

    return [draw_table(seed, layout=layout) for seed, layout in enumerate((*LAYOUTS, *LAYOUTS))]


@pytest.fixture(scope='session')
def refscenes(renderer, tmp_path_factory):
    """A small RefScenes in all formats: its folder, the number of its tables, and what was counted."""
    from mmvg.simulation.generate import generate_tables

    root, number = tmp_path_factory.mktemp('refscenes') / 'one', 8
    return root, number, generate_tables(root, number, seed=3, workers=1)
