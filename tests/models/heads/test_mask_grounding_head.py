import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.backbones import BertTextEncoder
from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import MaskGroundingHead
from mmvg.models.heads.mask_grounding_head import mask_centers_norm
from mmvg.structures import GroundingSample

SIDE, LENGTH, VOCAB = 16, 8, 40


class Backbone(torch.nn.Module):
    """A text encoder and nothing else."""

    def __init__(self):
        super().__init__()
        self.text = BertTextEncoder(12, 2, 2, 24, VOCAB, dropout=0.0)
        self.texts = []

    @property
    def token_table(self):
        return self.text.token_table

    def encode_text(self, input_ids, text_mask, token_embeddings=None):
        self.texts.append(token_embeddings)
        return self.text(input_ids, text_mask, token_embeddings)


def head(**options):
    torch.manual_seed(0)
    settings = dict(
        image_channels=6,
        text_channels=12,
        embed_channels=12,
        vocab_size=VOCAB,
        channels=8,
        num_layers=2,
        num_heads=2,
        ffn_channels=16,
        dropout=0.0,
        mask_id=3,
        mask_rate=0.5,
    )
    return MaskGroundingHead(**settings | options)


def features(lengths=(8, 5, 2)):
    generator = torch.Generator().manual_seed(1)
    return GroundingFeatures(
        images=[],
        text_mask=torch.arange(LENGTH)[None] < torch.tensor(lengths)[:, None],
        input_ids=torch.randint(5, VOCAB, (len(lengths), LENGTH), generator=generator),
        unfused=torch.randn(len(lengths), 6, 2, 2, generator=generator).requires_grad_(),
    )


def encoder():
    torch.manual_seed(2)
    return Backbone()


def sample(rows=(0, 8), columns=(0, SIDE)):
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, slice(*rows), slice(*columns)] = 1
    found = GroundingSample(
        gt_instances=InstanceData(bboxes=torch.zeros(1, 4), masks=BitmapMasks(mask, SIDE, SIDE)),
        gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
    )
    found.no_target = not mask.any()
    found.set_metainfo(dict(img_shape=(SIDE, SIDE), gt_frame='input'))
    return found


def test_words_are_chosen_at_the_rate_and_never_a_marker_or_padding():
    model = head(mask_rate=0.15)
    mask = torch.arange(20)[None] < torch.randint(2, 21, (8000, 1), generator=torch.Generator().manual_seed(0))
    chosen = model.choose_words(mask)
    last = mask.sum(1) - 1
    words = mask.clone()
    words[:, 0] = False
    words[torch.arange(len(words)), last] = False
    assert not (chosen & ~words).any()
    assert chosen.sum() / words.sum() == pytest.approx(0.15, abs=0.01)


def test_the_one_word_between_begin_and_end_can_be_chosen():
    mask = torch.arange(4)[None] < torch.tensor([[4], [3], [2], [1]])
    assert head(mask_rate=1.0).choose_words(mask).tolist() == [
        [False, True, True, False],
        [False, True, False, False],
        [False] * 4,
        [False] * 4,
    ]


def test_most_of_the_chosen_words_are_hidden_and_the_others_shown():
    model = head(mask_rate=1.0)  # all between the first and the last token
    found, reader = features((8,) * 2000), encoder()
    model.loss(found, [sample()] * 2000, reader)
    table, shown = reader.token_table, reader.texts[-1]
    hidden = (shown == table[3]).all(-1)
    assert (hidden[:, 1:-1].float().mean() - 0.9).abs() < 0.01
    assert torch.equal(shown[~hidden], table[found.input_ids][~hidden])
    assert not hidden[:, [0, -1]].any()


def test_a_vocabulary_without_mask_token_gets_a_vector_of_the_head():
    model, found = head(mask_id=None), features()
    loss = model.loss(found, [sample()] * 3, encoder())['loss_grounding']
    loss.backward()
    assert model.mask_token.shape == (12,)
    assert model.mask_token.grad.abs().sum() > 0


def test_is_the_cross_entropy_of_the_chosen_words_over_the_tied_vocabulary():
    model, found, reader, answers = head(), features(), encoder(), []
    chosen = torch.zeros(3, LENGTH, dtype=torch.bool)
    chosen[0, 2] = chosen[0, 5] = chosen[1, 1] = True
    model.draw_places = lambda shape: chosen
    model.to_embedding.register_forward_hook(lambda _, given, answer: answers.append(answer))
    torch.nn.init.normal_(model.vocab_bias)
    loss = model.loss(found, [sample()] * 3, reader)['loss_grounding']
    logits = F.linear(answers[0], reader.token_table, model.vocab_bias)
    words = torch.stack([found.input_ids[i, j] for i, j in ((0, 2), (0, 5), (1, 1))])
    torch.testing.assert_close(loss, F.cross_entropy(logits, words))


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(inputs=('text', 'image')),
        dict(inputs=('text',)),
        dict(mask_code='average'),
        dict(num_layers=1),
        dict(mask_id=None),
    ],
)  # fmt: skip
def test_every_variant_learns_with_every_parameter(options, unlearned):
    model, reader = head(**options), encoder()
    losses = model.loss(features(), [sample(), sample((0, 4)), sample()], reader)
    assert set(losses) == {'loss_grounding'}
    losses['loss_grounding'].backward()
    assert unlearned(model) == []
    assert reader.token_table.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ('lengths', 'samples', 'inputs'),
    [
        ((2, 2, 2), [sample()] * 3, ('text', 'image', 'mask')),
        ((8, 8, 8), [sample((0, 0))] * 3, ('text', 'image', 'mask')),
    ],
)
def test_a_batch_without_a_word_to_guess_is_zero_for_every_parameter(lengths, samples, inputs):
    model, reader = head(mask_rate=1.0), encoder()
    loss = model.loss(features(lengths), samples, reader)['loss_grounding']
    assert loss.item() == 0
    loss.backward()
    for name, parameter in (*model.named_parameters(), *reader.text.bert.encoder.named_parameters()):
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() == 0, name


def test_samples_without_a_target_or_a_word_take_no_part():
    found, reader = features((8, 8, 2)), encoder()
    loss = head(mask_rate=1.0).loss(found, [sample(), sample((0, 0)), sample()], reader)['loss_grounding']
    loss.backward()
    assert found.unfused.grad[1:].abs().sum() == 0
    assert found.unfused.grad[0].abs().sum() > 0


def test_the_loss_is_that_of_a_batch_of_those_that_take_part():
    reader, chosen = encoder(), torch.zeros(3, LENGTH, dtype=torch.bool)
    chosen[0, 2] = chosen[1, 3] = chosen[2, 1] = chosen[2, 6] = True  # the second has no target, the last is padding
    found, samples = features((8, 8, 5)), [sample(), sample((0, 0)), sample((2, 6))]
    model = head(replace_rate=1.0)
    model.draw_places = lambda shape: chosen
    loss = model.loss(found, samples, reader)['loss_grounding']
    rows = torch.tensor([0, 2])
    part = {name: getattr(found, name)[rows] for name in ('text_mask', 'input_ids', 'unfused')}
    model.draw_places = lambda shape: chosen[rows]
    alone = model.loss(found.replace(**part), [samples[0], samples[2]], reader)['loss_grounding']
    torch.testing.assert_close(loss, alone)


def test_the_image_may_be_detached():
    model, found = head(detach_image=True), features()
    model.loss(found, [sample()] * 3, encoder())['loss_grounding'].backward()
    assert found.unfused.grad is None


def test_padding_changes_nothing():
    model, found, reader = head().eval(), features(), encoder()
    chosen = torch.zeros(3, LENGTH, dtype=torch.bool)
    chosen[1, 1] = True
    model.draw_places = lambda shape: chosen
    losses = []
    for ids in (found.input_ids, torch.where(found.text_mask, found.input_ids, 7)):
        model.generator.manual_seed(0)
        losses.append(model.loss(found.replace(input_ids=ids), [sample()] * 3, reader)['loss_grounding'])
    assert losses[0] > 0
    torch.testing.assert_close(*losses)


def test_the_centre_of_a_rectangle_and_of_nothing():
    masks = torch.zeros(2, 1, 10, 20)
    masks[0, :, 2:4, 5:15] = 1
    centers = mask_centers_norm(masks)
    assert centers.shape == (2, 1, 2)
    torch.testing.assert_close(centers[0, 0], torch.tensor([0.5, 0.3]))
    assert centers[1].abs().sum() == 0


def test_the_average_code_is_the_mean_of_the_image_under_the_mask():
    model, found, coded = head(mask_code='average', mask_rate=1.0), features((8,)), []
    model.position.forward = lambda mask: torch.zeros(1, 8, *mask.shape[1:])
    model.encode_mask.register_forward_pre_hook(lambda _, given: coded.append(given[0]))
    model.loss(found, [sample((0, 8))], encoder())
    upper = model.project_image(found.unfused[..., 0, :].transpose(1, 2))  # two of four cells
    torch.testing.assert_close(coded[0], upper.mean(1, keepdim=True))


def test_settings_and_backbones_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="with 'text'"):
        head(inputs=('image', 'mask'))
    with pytest.raises(ValueError, match="mask_code must be 'center' or 'average'"):
        head(mask_code='box')
    with pytest.raises(ValueError, match="needs 'image' among the inputs"):
        head(mask_code='average', inputs=('text', 'mask'))
    with pytest.raises(ValueError, match='Linear has not both'):
        head().loss(features(), [sample()] * 3, torch.nn.Linear(1, 1))


def test_magnets_head_has_its_size():
    with torch.device('meta'):
        model = MaskGroundingHead(1024, 768, 768, 30522)
    assert sum(p.numel() for p in model.predictor.parameters()) == pytest.approx(6.32e6, rel=0.01)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(7.1e6, rel=0.03)
