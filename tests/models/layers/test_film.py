import torch

from mmvg.models.layers import FiLM


def test_a_new_layer_changes_nothing_whatever_the_sentence():
    x, sentence = torch.randn(2, 6, 3, 4), torch.randn(2, 8)
    torch.testing.assert_close(FiLM(6, 8)(x, sentence), x, rtol=0, atol=0)


def test_each_sample_is_scaled_and_shifted_by_its_own_sentence():
    film = FiLM(2, 3)
    with torch.no_grad():
        film.mlp[-1].bias.copy_(torch.tensor([1.0, 0.0, 0.0, 5.0]))  # gamma of two channels, then beta
    x = torch.ones(1, 2, 1, 1)
    assert film(x, torch.zeros(1, 3)).flatten().tolist() == [2, 6]
    torch.nn.init.normal_(film.mlp[-1].weight)
    both = film(x.expand(2, 2, 1, 1), torch.randn(2, 3))
    assert not torch.allclose(both[0], both[1])


def test_size_is_that_counted_by_hand():
    with torch.device('meta'):
        assert sum(p.numel() for p in FiLM(1024, 1024).parameters()) == 3_148_800
