"""What a model has learned by heart it answers to the pixel, at inputs of 96 pixels."""

import pytest

from tests.by_heart import SYSTEMS, check_by_heart, scenes_of


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return scenes_of(tmp_path_factory.mktemp('scenes'))(96)


@pytest.mark.slow
@pytest.mark.parametrize('system', [system for system in SYSTEMS if system != 'crog'])
def test_a_model_answers_to_the_pixel_what_it_has_learned_by_heart_and_its_answer_moves_with_the_picture(
    system, scenes
):
    check_by_heart(system, 96, *scenes)
