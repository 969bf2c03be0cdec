"""Parts that are traced compute the same for any number of samples."""

import pytest
import torch
from mmdet.models.backbones.swin import SwinBlock
from torch import nn

from mmvg.export.traceable import traceable
from mmvg.models import GroundingFeatures
from mmvg.models.necks import DeformablePixelDecoder


class Decoding(nn.Module):
    def __init__(self):
        super().__init__()
        self.neck = DeformablePixelDecoder(
            (4, 4, 4, 4), channels=8, num_levels=3, num_layers=2, num_heads=2, ffn_channels=8, norm_groups=2
        )

    def forward(self, *maps):
        features = self.neck(GroundingFeatures(images=list(maps)))
        return [features.pixels, *features.images]


class Windows(nn.Module):
    def __init__(self, shift):
        super().__init__()
        self.block = SwinBlock(8, num_heads=2, feedforward_channels=8, window_size=4, shift=shift)
        nn.init.normal_(self.block.attn.w_msa.relative_position_bias_table)

    def forward(self, tokens):
        return self.block(tokens, (6, 9))  # padded to 8 x 12


CASES = {
    'pixel decoder': (Decoding, lambda n: tuple(torch.randn(n, 4, 64 // s, 96 // s) for s in (4, 8, 16, 32))),
    'windows': (lambda: Windows(False), lambda n: (torch.randn(n, 54, 8),)),
    'shifted windows': (lambda: Windows(True), lambda n: (torch.randn(n, 54, 8),)),
}


@pytest.mark.parametrize('case', CASES)
@torch.no_grad()
def test_the_traceable_form_computes_the_same_for_any_number_of_samples(case):
    build, draw = CASES[case]
    torch.manual_seed(0)
    model, inputs = build().eval(), draw(2)
    batch = torch.export.Dim('batch')
    shapes = tuple({0: batch} for _ in inputs)
    with traceable():
        program = torch.export.export(model, inputs, dynamic_shapes=(shapes,) if case == 'pixel decoder' else shapes)
    for count in (2, 1, 3):
        inputs = draw(count)
        torch.testing.assert_close(program.module()(*inputs), model(*inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('descending', [True, False])
def test_a_stable_sort_leaves_no_ties_to_the_backend(descending, tmp_path):
    pytest.importorskip('onnxruntime')
    from mmvg.export.folder import ExportedModel, read_manifest, write_manifest
    from mmvg.export.graphs import trace, write_graph
    from mmvg.export.parts import ModelPart
    from mmvg.export.runtimes import open_runtimes

    class Sorted(nn.Module):
        def forward(self, scores):
            values, order = scores.sort(dim=1, descending=descending, stable=True)
            return dict(values=values[:, :5], order=order[:, :5])

    scores = torch.tensor([[0.0, -torch.inf, 0, 1, 1, 0, -torch.inf, 0], [2, 2, 2, 2, 2, 2, 2, 2]])
    part = ModelPart(Sorted(), ('scores',))
    program, outputs = trace(part, dict(scores=scores))
    written = write_graph(program, part, outputs, tmp_path / 'whole.onnx')
    write_manifest(ExportedModel('onnx', False, dict(whole=written), {}, {}, {}, folder=tmp_path))
    for backend in ('onnxruntime', 'openvino'):
        found = open_runtimes(read_manifest(tmp_path), backend)['whole'](dict(scores=scores.numpy()))
        for name, value in outputs.items():
            assert (found[name] == value.numpy()).all(), (backend, name)


def test_weights_that_no_file_of_onnx_holds_are_refused(monkeypatch, tmp_path):
    from mmvg.export import graphs
    from mmvg.export.parts import ModelPart

    monkeypatch.setattr(graphs, 'MAX_ONNX', 10)
    part = ModelPart(nn.Linear(4, 4), ('x',))
    program, _ = graphs.trace(part, dict(x=torch.ones(2, 4)))
    with pytest.raises(ValueError, match='a file of ONNX holds'):
        graphs.write_onnx(program, part.inputs, ['y'], tmp_path / 'whole.onnx')
