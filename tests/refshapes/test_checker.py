import pytest

from mmvg.refshapes.checker import PictureObject, SentenceError, meaning

# 160 x 120 pixels; boxes are 20 x 20
OBJECTS = [
    PictureObject('star', 'red', 'small', 'plain', [14, 14, 20, 20]),  # 0: centre (24, 24)
    PictureObject('star', 'blue', 'large', 'striped', [74, 50, 20, 20]),  # 1: centre (84, 60)
    PictureObject('star', 'blue', 'small', 'plain', [122, 92, 20, 20]),  # 2: centre (132, 102)
    PictureObject('mug', 'red', 'large', 'plain', [62, 8, 20, 20], has_handle=True),  # 3: centre (72, 18)
    PictureObject('ring', 'white', 'large', 'dotted', [20, 90, 20, 20]),  # 4: centre (30, 100)
]


@pytest.mark.parametrize(
    ('sentence', 'targets'),
    [
        ('The red mug.', {3}),
        ('RED STAR', {0}),
        ('the object with dots', {4}),
        ('the star that is small and blue', {2}),
        ('large striped blue star', {1}),
        ('the star in the bottom right corner of the picture', {2}),
        ('left star', {0}),
        ('the star on the left side of the picture', {0}),
        ('the middle star', {1}),
        ('ring at the top', set()),
        ('the rightmost star in the picture', {2}),
        ('the leftmost blue star', {1}),
        ('second star from the top', {1}),
        ('the star that is to the left of the red mug', {0}),
        ('the ring which lies below the red star', {4}),
        ('the mug held by its handle', {3}),
        ('all stars', {0, 1, 2}),
        ('both blue stars', {1, 2}),
        ('two blue stars', {1, 2}),
        ('the three stars', {0, 1, 2}),
        ('all the red objects', {0, 3}),
        ('the red mug and the white ring', {3, 4}),
        ('an object with dots', {4}),
        ('the red ring', set()),
        ('both red rings', set()),
    ],
)
def test_it_reads_what_a_person_would(sentence, targets):
    assert meaning(sentence, OBJECTS, 160, 120) == targets


@pytest.mark.parametrize(
    ('sentence', 'message'),
    [
        ('the blue star', '1 to 1 objects'),
        ('all mugs', '2 to 1000'),
        ('both stars', '2 to 2'),
        ('the mug on the left', 'ambiguous'),
        ('the star left of the blue star', 'related to'),
        ('the leftmost mug', 'to count'),
        ('the ring by its handle', 'handle'),
        ('the red mug and the red ring', 'halves'),
        ('the red dog', "'dog'"),
        ('the red', '0 nouns'),
        ('?! 3', 'no word'),
    ],
)
def test_it_refuses_what_is_ambiguous_false_or_foreign(sentence, message):
    # the mug at 0.45 of the width is neither left nor clearly not
    with pytest.raises(SentenceError, match=message):
        meaning(sentence, OBJECTS, 160, 120)


def test_level_objects_have_no_order():
    row = [PictureObject('star', 'red', 'small', 'plain', [x, 50, 20, 20]) for x in (10, 18, 100)]
    with pytest.raises(SentenceError, match='ambiguous'):
        meaning('the leftmost star', row, 160, 120)
    assert meaning('the rightmost star', row, 160, 120) == {2}
