import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel

from mmvg.models.backbones import BertTextEncoder
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError, save_weights

TINY = dict(embed_dims=16, num_layers=4, num_heads=2, ffn_channels=32, vocab_size=50, max_positions=9)


def tiny(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='BertTextEncoder', **TINY | options)).eval()


def config():
    return BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=9,
    )


def text(lengths=(7, 3), max_length=7):
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 50, (len(lengths), max_length), generator=generator)
    return ids, torch.arange(max_length)[None] < torch.tensor(lengths)[:, None]


@torch.no_grad()
@pytest.mark.parametrize('name', ['pytorch_model.bin', 'model.safetensors'])
def test_a_directory_of_transformers_gives_what_transformers_gives(tmp_path, name):
    reference = BertModel(config(), add_pooling_layer=True).eval()
    save_weights(reference, tmp_path / name)
    model = tiny(checkpoint=str(tmp_path))
    model.init_weights()
    ids, mask = text()
    expected = reference(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(model(ids, mask)[mask], expected[mask], rtol=0, atol=1e-6)


def test_old_files_with_heads_and_gamma_are_read(tmp_path):
    state = BertForMaskedLM(config()).state_dict()
    old = {
        name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'): value
        for name, value in state.items()
    }
    old['bert.embeddings.position_ids'] = torch.arange(9)[None]
    torch.save(old, tmp_path / 'pytorch_model.bin')
    model = tiny(checkpoint=str(tmp_path / 'pytorch_model.bin'))
    model.init_weights()
    torch.testing.assert_close(model.token_table, state['bert.embeddings.word_embeddings.weight'])


def test_weights_that_are_missing_or_of_another_size_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match='put the weights of BERT there'):
        tiny(checkpoint=str(tmp_path)).init_weights()
    torch.save(BertModel(config()).state_dict(), tmp_path / 'bert.pth')
    with pytest.raises(CheckpointError, match='does not fit BertModel'):
        tiny(num_layers=5, checkpoint=str(tmp_path / 'bert.pth')).init_weights()


@torch.no_grad()
def test_layers_in_groups_are_the_whole():
    model = tiny()
    ids, mask = text()
    states = model.embed(ids)
    for begin in (0, 1, 2, 3):
        states = model.run(states, mask, begin, begin + 1)
    assert torch.equal(states, model(ids, mask))


@torch.no_grad()
def test_padding_changes_nothing():
    model = tiny()
    ids, mask = text()
    other = torch.where(mask, ids, 7)
    torch.testing.assert_close(model(other, mask)[mask], model(ids, mask)[mask])


@torch.no_grad()
def test_embeddings_may_take_the_place_of_tokens():
    model = tiny()
    ids, mask = text()
    torch.testing.assert_close(model(ids, mask, model.token_table[ids]), model(ids, mask))
    assert not torch.allclose(model(ids, mask, model.token_table[ids].roll(1, 1)), model(ids, mask))


def test_a_text_longer_than_the_positions_is_refused():
    with pytest.raises(ValueError, match='at most 9 tokens'):
        tiny()(*text((10,), 10))


def test_bert_base_has_its_size():
    with torch.device('meta'):
        model = BertTextEncoder()
    assert sum(p.numel() for p in model.parameters()) == 108_891_648


def test_the_last_layers_and_the_embeddings_can_be_kept_with_their_dropout():
    model = tiny(frozen_layers=2, dropout=0.5).train()
    kept = {name for name, parameter in model.bert.named_parameters() if not parameter.requires_grad}
    parts = ('embeddings.', 'encoder.layer.2.', 'encoder.layer.3.')
    assert kept == {name for name, _ in model.bert.named_parameters() if name.startswith(parts)}
    ids, mask = text()
    assert not torch.equal(model(ids, mask), model(ids, mask))  # of the kept layers too, for all have dropout
    assert model.bert.encoder.layer[3].training
    model(ids, mask).sum().backward()
    assert model.bert.encoder.layer[1].output.dense.weight.grad.abs().sum() > 0  # through the kept ones
    assert all(parameter.requires_grad for parameter in tiny().parameters())
    with pytest.raises(ValueError, match='frozen_layers is 5, but there are 4 layers'):
        tiny(frozen_layers=5)
