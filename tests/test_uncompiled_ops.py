"""mmcv without its compiled part: what the stand-in gives, what it refuses, and that it steps aside."""

import importlib
import sys

import pytest
import torch

from mmvg.uncompiled_ops import MODULE, UncompiledOps, install, nms


def test_the_stand_in_is_asked_last_and_is_there_once():
    install()
    finders = [finder for finder in sys.meta_path if isinstance(finder, UncompiledOps)]
    assert finders == sys.meta_path[-1:] or len(finders) == 1


def test_a_compiled_module_is_preferred(tmp_path, monkeypatch):
    (tmp_path / '_ext.py').write_text("compiled = 'yes'\n", encoding='utf-8')
    import mmcv

    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    assert importlib.import_module(MODULE).compiled == 'yes'
    monkeypatch.delitem(sys.modules, MODULE)


def test_nms_keeps_what_a_loop_keeps():
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand((40, 2), generator=generator) * 50
    boxes = torch.cat([corners, corners + 5 + 20 * torch.rand((40, 2), generator=generator)], dim=1)
    scores = torch.rand(40, generator=generator)
    for offset in (0, 1):
        kept = []
        for i in scores.argsort(descending=True).tolist():
            if all(_iou(boxes[i], boxes[j], offset) <= 0.3 for j in kept):
                kept.append(i)
        assert nms(boxes, scores, 0.3, offset).tolist() == kept
        assert 1 < len(kept) < 40


def _iou(a, b, offset):
    sides = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2]) + offset).clamp(min=0)
    areas = [(box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b)]
    return sides.prod() / (sum(areas) - sides.prod())


def test_any_other_op_says_what_to_install_when_it_is_called():
    stand_in = UncompiledOps().create_module(UncompiledOps().find_spec(MODULE))
    UncompiledOps().exec_module(stand_in)
    assert stand_in.get_compiling_cuda_version() == 'not available'
    with pytest.raises(NotImplementedError, match=r'roi_align_forward is a compiled op.*make install OPS=1'):
        stand_in.roi_align_forward(1)
