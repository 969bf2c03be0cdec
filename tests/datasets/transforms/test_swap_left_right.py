import pytest
from mmdet.datasets.transforms import RandomFlip

from mmvg.datasets.transforms import LoadGroundingAnnotations, LoadImage, SwapLeftRight


def swap(text: str) -> str:
    return SwapLeftRight()({'text': text, 'flip': True, 'flip_direction': 'horizontal'})['text']


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('man on the left', 'man on the right'),
        ('RIGHT guy, Left one', 'LEFT guy, Right one'),
        ('left of the right ring', 'right of the left ring'),
        ('leftmost and rightmost', 'rightmost and leftmost'),
        ('the lefthand, left-hand one', 'the righthand, right-hand one'),
        ('Leftward LEFTMOST rightwards', 'Rightward RIGHTMOST leftwards'),
        ("left's right-most!", "right's left-most!"),
        ('bright upright cleft leftover alright', 'bright upright cleft leftover alright'),
        ('the middle', 'the middle'),
        ('', ''),
    ],
)
def test_whole_words_are_swapped_and_keep_their_case(text, expected):
    assert swap(text) == expected
    assert swap(expected) == text


def test_words_boxes_and_masks_are_mirrored_together(make_item):
    results = LoadGroundingAnnotations()(LoadImage()(make_item()))
    mask = results['gt_masks'].masks.copy()
    results = SwapLeftRight()(RandomFlip(prob=1.0)(results))
    assert results['text'] == 'The red ring on the right!'
    assert results['gt_bboxes'].tensor.tolist() == [[30, 4, 38, 12]]
    assert (results['gt_masks'].masks == mask[:, :, ::-1]).all()


def test_nothing_is_swapped_when_the_coin_falls_the_other_way(make_item):
    results = SwapLeftRight()(RandomFlip(prob=0.0)(LoadImage()(make_item())))
    assert results['text'] == 'The red ring on the left!'


@pytest.mark.parametrize('direction', ['vertical', 'diagonal'])
def test_other_flips_are_refused(make_item, direction):
    results = RandomFlip(prob=1.0, direction=direction)(LoadImage()(make_item()))
    with pytest.raises(ValueError, match=rf'img_id=7 .*a {direction} flip'):
        SwapLeftRight()(results)


def test_it_has_to_stand_behind_the_flip():
    with pytest.raises(KeyError, match='put RandomFlip before SwapLeftRight'):
        SwapLeftRight()({'text': 'left'})
