import numpy as np
import pytest

from mmvg.scoring.declaration import (
    LAYOUTS,
    UNITS,
    Declaration,
    DeclarationError,
    Frame,
    frame_extent,
    frame_to_original,
    to_original,
    to_xyxy,
)

SIZE = (640, 480)
BOX = np.array([[160.0, 120.0, 320.0, 360.0]])  # in original pixels


@pytest.mark.parametrize(
    ('unit', 'frame', 'box'),
    [
        ('pixel', 'original', [160, 120, 320, 360]),
        ('permille', 'original', [250, 250, 500, 750]),
        ('fraction', 'original', [0.25, 0.25, 0.5, 0.75]),
        ('pixel', 'resized:320x480', [80, 120, 160, 360]),
        ('permille', 'resized:320x480', [250, 250, 500, 750]),  # parts of a side do not change
        ('pixel', 'padded-corner', [160, 120, 320, 360]),
        ('pixel', 'padded-corner:320', [80, 60, 160, 180]),
        ('fraction', 'padded-corner', [0.25, 0.1875, 0.5, 0.5625]),
        ('pixel', 'padded-center', [160, 200, 320, 440]),  # 80 pixels of margin above
        ('fraction', 'padded-center', [0.25, 0.3125, 0.5, 0.6875]),
        ('fraction', 'padded-center:336', [0.25, 0.3125, 0.5, 0.6875]),
        ('pixel', 'padded-center:320', [80, 100, 160, 220]),
    ],
)
def test_the_same_box_in_every_unit_and_frame(unit, frame, box):
    made = to_original(np.array([box]), unit, Frame.parse(frame), SIZE)
    assert made == pytest.approx(BOX)


def test_a_tall_picture_has_its_margins_left_and_right():
    assert frame_to_original(Frame('padded-center'), (480, 640)) == ((640, 640), (80.0, 0.0))


def test_the_size_of_a_resized_picture_comes_from_the_record_or_is_asked_for():
    made = to_original(np.array([[80, 120, 160, 360]]), 'pixel', Frame('resized'), SIZE, resized=(320, 480))
    assert made == pytest.approx(BOX)
    with pytest.raises(DeclarationError, match='"input_size"'):
        frame_extent('pixel', Frame('resized'), SIZE)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_layouts_are_brought_into_corners(layout):
    written = dict(xyxy=[1, 2, 5, 8], xywh=[1, 2, 4, 6], cxcywh=[3, 5, 4, 6], yxyx=[2, 1, 8, 5])[layout]
    assert to_xyxy(np.array([written], dtype=float), layout).tolist() == [[1, 2, 5, 8]]


@pytest.mark.parametrize('text', ['original', 'resized', 'resized:320x480', 'padded-center', 'padded-corner:320'])
def test_frames_are_written_as_they_are_read(text):
    assert str(Frame.parse(text)) == text


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(unit='pixels'), "unit must be .* did you mean 'pixel'"),
        (dict(rule='best'), 'rule must be'),
        (dict(layout='xyhw'), "did you mean 'xywh'"),
        (dict(frame='padded'), 'write original, resized'),
        (dict(frame='resized:0x4'), 'has no pixel'),
        (dict(units='pixel'), "unknown declaration 'units'.*did you mean 'unit'"),
    ],
)
def test_a_wrong_declaration_names_the_choices(settings, message):
    with pytest.raises(DeclarationError, match=message):
        Declaration.of(settings)


def test_what_is_not_declared_is_not_guessed():
    with pytest.raises(DeclarationError, match='a guess per box picks the unit that fits the truth'):
        Declaration().require_unit()
    with pytest.raises(DeclarationError, match='best of several boxes is known only with the truth in sight'):
        Declaration().require_rule()


def test_all_units_have_an_extent():
    assert [frame_extent(unit, Frame(), SIZE) for unit in UNITS] == [SIZE, (1000, 1000), (1, 1)]
