import numpy as np
import pytest
import torch

from mmvg.structures import cxcywh_to_xyxy, xywh_to_xyxy, xyxy_to_cxcywh, xyxy_to_xywh

# worked out by hand: one box 4 wide and 2 high with its top-left corner at (1, 3)
XYXY, XYWH, CXCYWH = [1.0, 3.0, 5.0, 5.0], [1.0, 3.0, 4.0, 2.0], [3.0, 4.0, 4.0, 2.0]


@pytest.mark.parametrize('make', [torch.tensor, np.array])
@pytest.mark.parametrize(
    ('convert', 'before', 'after'),
    [
        (xyxy_to_xywh, XYXY, XYWH),
        (xywh_to_xyxy, XYWH, XYXY),
        (xyxy_to_cxcywh, XYXY, CXCYWH),
        (cxcywh_to_xyxy, CXCYWH, XYXY),
    ],
)
def test_a_box_is_converted_as_by_hand_and_keeps_its_type(make, convert, before, after):
    converted = convert(make([[before]]))
    assert type(converted) is type(make([0.0]))
    assert converted.tolist() == [[after]]


@pytest.mark.parametrize('convert', [xyxy_to_xywh, xywh_to_xyxy, xyxy_to_cxcywh, cxcywh_to_xyxy])
def test_no_box_stays_no_box(convert):
    assert convert(torch.zeros(0, 4)).shape == (0, 4)
    assert convert(np.zeros((0, 4))).shape == (0, 4)


def test_gradients_pass_through_a_conversion():
    boxes = torch.tensor([CXCYWH], requires_grad=True)
    cxcywh_to_xyxy(boxes).sum().backward()
    assert boxes.grad.tolist() == [[2.0, 2.0, 0.0, 0.0]]
