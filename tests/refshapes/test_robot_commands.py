import numpy as np
import pytest

from mmvg.datasets.ocid_vlg import expression_type
from mmvg.refshapes.checker import PictureObject, meaning
from mmvg.refshapes.expression_sampler import ExpressionSampler
from mmvg.refshapes.records import visible_scene
from mmvg.refshapes.robot_commands import draw_commands


def objects_of(record):
    return [
        PictureObject(thing.shape, thing.colour, thing.size, thing.pattern, annotation.bbox, bool(annotation.handle))
        for thing, annotation in zip(record.scene.objects, record.annotations, strict=True)
    ]


def draw(record, seed, number):
    return draw_commands(ExpressionSampler(visible_scene(record), np.random.default_rng(seed)), number)


@pytest.fixture(scope='module')
def commands(records):
    return [(record, draw(record, number, 8)) for number, record in enumerate(records)]


def test_the_independent_checker_finds_the_target_of_every_command(commands):
    number = 0
    for record, drawn in commands:
        for command in drawn:
            found = meaning(command.text, objects_of(record), record.scene.width, record.scene.height)
            assert found == {command.target}, command.text
            number += 1
    assert number > 200


def test_programs_say_what_the_words_say(commands):
    colours = {'red', 'green', 'blue', 'yellow', 'pink', 'cyan', 'white', 'black'}
    types = set()
    for _, drawn in commands:
        for command in drawn:
            words = set(command.text.split())
            related = bool(words & {'above', 'below'} or 'left of' in command.text or 'right of' in command.text)
            placed = not related and bool(words - colours - {'the'} - {command.program[1]['value_inputs'][0]})
            dimensions = {
                name
                for name, present in (('attr', bool(words & colours)), ('rel', related), ('loc', placed))
                if present
            }
            expected = dimensions.pop() if len(dimensions) == 1 else 'mixed' if dimensions else 'name'
            assert expression_type(list(command.program)) == expected, command.text
            types.add(expected)
    assert types == {'name', 'attr', 'rel', 'loc', 'mixed'}


def test_commands_of_a_picture_differ_and_are_no_more_than_asked_for(commands):
    for _, drawn in commands:
        assert len({command.text for command in drawn}) == len(drawn) <= 8


def test_the_same_random_numbers_give_the_same_commands(records):
    first, second = (draw(records[0], 3, 5) for _ in range(2))
    assert first == second
