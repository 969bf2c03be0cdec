"""What a flag of training or testing turns on does what it says, and the rest of the run stays as it was."""

import pytest
import small_runs
import torch
import toy_run
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from shipped_configs import read
from torch import nn

from mmvg.apis import Modes, use_adapters, use_amp_in_tests
from mmvg.config import ConfigError, check_config
from mmvg.engine.errors import RunError
from mmvg.engine.modes import checkpoint_blocks, compile_parts
from mmvg.engine.runner import GroundingRunner
from mmvg.weights import CheckpointError, load_checkpoint_file, load_state_dict_file, save_weights
from mmvg.weights.adapters import is_adapter, merge_adapters

SGD = 'optim_wrapper.optimizer.type=SGD optim_wrapper.optimizer.lr=0.01'


@MODELS.register_module()
class PlainToy(BaseModel):
    """Two weights, without statistics of a batch, and nothing random."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Linear(5, 1)

    def forward(self, inputs, mode='loss'):
        answers = self.weight(inputs[:, :1].expand(-1, 5))
        return [answers.sum()] * len(inputs) if mode == 'predict' else dict(loss=answers.square().mean())

    def data_preprocessor(self, data, training=False):
        return dict(inputs=torch.stack(list(data)))


def toy(work_dir, modes=Modes(), model='PlainToy', **settings):  # noqa: B008
    cfg = toy_run.config(work_dir, **settings)
    cfg.model = dict(type=model)
    cfg.param_scheduler = []
    modes.apply(cfg)
    return cfg


def weights(runner):
    model = getattr(runner.model, 'module', runner.model)
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def test_accumulated_batches_update_as_one_batch_of_all_their_samples(tmp_path):
    """Eight samples a pass: four updates of 4 samples, and eight batches of 2."""
    whole = toy_run.run(toy(tmp_path / 'whole', iterations=4, batch_size=4))
    parts = toy_run.run(toy(tmp_path / 'parts', Modes(accumulate=2), iterations=8, batch_size=2))
    torch.testing.assert_close(weights(parts), weights(whole), atol=1e-6, rtol=0)
    assert parts.iter == 8


@pytest.mark.parametrize('iteration', [3, 4])
def test_a_run_goes_on_between_two_updates_and_at_one(iteration, tmp_path):
    toy_run.run(toy(tmp_path, Modes(accumulate=2), iterations=7))
    whole = small_runs.state(tmp_path / 'iter_7.pth')
    cfg = toy(tmp_path, Modes(accumulate=2), iterations=7)
    cfg.update(resume=True, load_from=str(tmp_path / f'iter_{iteration}.pth'))
    toy_run.run(cfg)
    found = small_runs.state(tmp_path / 'iter_7.pth')
    assert small_runs.difference({**whole, 'logged': 0}, {**found, 'logged': 0}) is None


def test_another_number_of_accumulated_batches_is_refused_on_resume(tmp_path):
    toy_run.run(toy(tmp_path, Modes(accumulate=2), iterations=4))
    cfg = toy(tmp_path, iterations=6)
    cfg.resume = True
    with pytest.raises(RunError, match='after 2 batches, and would now after 1: go on with --accumulate 2'):
        toy_run.run(cfg)


def test_learning_rates_scale_with_all_samples_of_an_update(tmp_path):
    cfg = toy(tmp_path, Modes(accumulate=4), iterations=1)
    cfg.auto_scale_lr = dict(base_batch_size=32)
    Modes(auto_scale_lr=True).apply(cfg)
    runner = toy_run.run(cfg)
    assert runner.optim_wrapper.param_groups[0]['lr'] == pytest.approx(0.1 * 2 * 4 / 32)


def test_learning_rates_without_a_base_are_an_error():
    cfg = read('instancevg/tiny.py')
    cfg.pop('auto_scale_lr', None)
    with pytest.raises(ConfigError, match=r'set auto_scale_lr\.base_batch_size'):
        Modes(auto_scale_lr=True).apply(cfg)


def test_the_average_is_that_of_the_weights_and_is_what_is_saved(tmp_path):
    cfg = toy(tmp_path, Modes(ema=0.25), iterations=3)
    runner = toy_run.run(cfg)
    checkpoints = [torch.load(tmp_path / f'iter_{i}.pth', weights_only=False) for i in (1, 2, 3)]
    last = [each['ema_state_dict']['module.weight.weight'] for each in checkpoints]  # exchanged with the average
    first = checkpoints[0]['state_dict']['weight.weight']
    second = 0.75 * first + 0.25 * last[1]
    torch.testing.assert_close(checkpoints[1]['state_dict']['weight.weight'], second)
    torch.testing.assert_close(checkpoints[2]['state_dict']['weight.weight'], 0.75 * second + 0.25 * last[2])
    assert torch.equal(weights(runner)['weight.weight'], last[2])


def test_a_fused_optimizer_takes_the_same_steps(tmp_path):
    plain = toy_run.run(toy(tmp_path / 'plain', iterations=5))
    fused = toy_run.run(toy(tmp_path / 'fused', Modes(fused=True), iterations=5))
    assert fused.optim_wrapper.optimizer.defaults['fused'] is True
    torch.testing.assert_close(weights(fused), weights(plain), atol=1e-6, rtol=0)


def test_an_optimizer_without_a_fused_form_is_named():
    cfg = read('lavt/tiny.py')
    cfg.optim_wrapper.optimizer = dict(type='Rprop')
    with pytest.raises(ConfigError, match='--fused: Rprop has no fused form; Adam, AdamW'):
        Modes(fused=True).apply(cfg)
    muon = read('lavt/tiny.py')
    before = muon.optim_wrapper.to_dict()
    Modes(fused=True).apply(muon)
    assert muon.optim_wrapper.to_dict() == before  # its AdamW is fused anyway


@pytest.mark.parametrize(
    ('modes', 'message'),
    [
        (Modes(ema=1.5), '--ema must lie between 0 and 1, not 1.5'),
        (Modes(accumulate=0), '--accumulate must be 1 batch or more, not 0'),
        (Modes(lora=0), '--lora must be a rank of 1 or more, not 0'),
        (Modes(lora_targets=['*.fc1']), '--lora-targets and --lora-trained go with --lora RANK'),
        (Modes(fresh=['head']), '--fresh: nothing is loaded; name the weights, --cfg-options load_from=FILE'),
        (Modes(compile='fast'), "--compile: torch has no backend 'fast', but .*inductor"),
    ],
)
def test_a_value_that_means_nothing_is_an_error(modes, message):
    with pytest.raises(ConfigError, match=message):
        modes.apply(read('instancevg/tiny.py'))


class KeepWeights(Hook):
    """Keeps the weights as they are built, and as they are when training begins."""

    def before_run(self, runner):
        self.built = weights(runner)

    def before_train(self, runner):
        self.loaded = weights(runner)


def test_fresh_parts_start_as_they_are_built_and_the_rest_is_loaded(tmp_path):
    first = toy_run.run(toy(tmp_path / 'first', model='ToyModel'))
    state = first.model.state_dict() | {'weight.weight': torch.zeros(9, 5), 'weight.scale': torch.zeros(1)}
    save_weights(state, tmp_path / 'other.safetensors')

    def load(*fresh):
        cfg = toy(tmp_path / 'second', model='ToyModel')
        cfg.load_from = str(tmp_path / 'other.safetensors')
        Modes(fresh=fresh).apply(cfg)
        seen = KeepWeights()
        toy_run.run(cfg, hooks=(seen,))
        return seen.built, seen.loaded

    with pytest.raises(CheckpointError, match='does not fit'):
        load()
    built, loaded = load('weight')
    for name, value in loaded.items():
        assert torch.equal(value, built[name] if name.startswith('weight.') else state[name]), name
    assert not torch.equal(loaded['norm.weight'], built['norm.weight'])  # it was trained
    with pytest.raises(ValueError, match=r"--fresh weigth: neither the model nor .* has it; did you mean 'weight'"):
        load('weigth')


def test_fresh_parts_are_loaded_for_a_test(tmp_path):
    first = toy_run.run(toy(tmp_path / 'first', model='ToyModel'))
    cfg = toy(tmp_path / 'second', model='ToyModel')
    cfg.load_from = str(tmp_path / 'first/iter_6.pth')
    Modes(fresh=['weight']).apply(cfg)
    cfg.test_dataloader, cfg.test_evaluator, cfg.test_cfg = cfg.val_dataloader, cfg.val_evaluator, {}
    runner = GroundingRunner.from_cfg(cfg)
    runner.test()
    assert torch.equal(runner.model.weight.weight, first.model.weight.weight)


def test_a_second_average_is_refused():
    cfg = read('instancevg/tiny.py')
    cfg.custom_hooks = [dict(type='EMAHook')]
    with pytest.raises(ConfigError, match='custom_hooks has an EMAHook already'):
        Modes(ema=0.1).apply(cfg)


def test_the_check_of_configs_knows_the_modes():
    cfg = read('instancevg/tiny.py')
    cfg.auto_scale_lr = dict(base_batch_size=16)
    modes = Modes(None, 'eager', True, True, True, 2, 0.1, True)
    modes.apply(cfg)
    check_config(cfg)
    cfg.modes.chanels_last = True
    with pytest.raises(ConfigError, match=r"modes.chanels_last: .*did you mean 'channels_last'"):
        check_config(cfg)


def losses(cfg, data, tmp_path, modes=None, iterations=2):
    """Logged losses, and weights, of a short run of a system without what is random in it."""
    if modes is not None:
        modes.apply(cfg)
    runner = small_runs.train(cfg)
    logged = {
        name: torch.tensor(buffer._log_history)
        for name, buffer in runner.message_hub.log_scalars.items()
        if name.startswith('train/loss') or '.loss' in name
    }
    return logged, weights(runner)


def compare(system, data, tmp_path, modes, atol, options='', iterations=2):
    plain = losses(
        small_runs.config(system, data, tmp_path / 'a', iterations=iterations, options=options), data, tmp_path
    )
    cfg = small_runs.config(system, data, tmp_path / 'b', iterations=iterations, options=options)
    found = losses(cfg, data, tmp_path, modes)
    assert plain[0]
    torch.testing.assert_close(found, plain, atol=atol, rtol=0)


@pytest.mark.parametrize(
    'system',
    ['instancevg', 'lavt', *(pytest.param(name, marks=pytest.mark.slow) for name in ('magnet', 'raam', 'cris'))],
)
def test_checkpointed_activations_change_no_loss_and_no_weight(system, refshapes_tiny, tmp_path):
    """BEiT-3, Swin and BERT, BERT in stages, ViT, CLIP; with dropout."""
    compare(system, refshapes_tiny, tmp_path, Modes(checkpoint_activations=True), 1e-6)


def test_blocks_with_running_statistics_are_not_computed_twice():
    model = nn.ModuleDict(
        dict(
            backbone=nn.Sequential(
                nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))),
                nn.Sequential(nn.Sequential(nn.Conv1d(2, 2, 1), nn.BatchNorm1d(2))),
            )
        )
    )
    model.backbone = model['backbone']
    chosen, left = checkpoint_blocks(model)
    assert (len(chosen), len(left)) == (2, 1)


def test_nothing_to_checkpoint_is_an_error():
    with pytest.raises(ValueError, match='nothing to do in Linear, its encoders have no blocks'):
        checkpoint_blocks(nn.Linear(2, 2))


def test_checkpointing_keeps_fewer_activations():
    from mmvg.models.backbones import BertTextEncoder

    def kept(checkpointed):
        torch.manual_seed(0)
        bert = BertTextEncoder(embed_dims=8, num_layers=4, num_heads=2, ffn_channels=64, vocab_size=10).train()
        if checkpointed:
            checkpoint_blocks(bert)
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            bert(torch.full((2, 6), 5), torch.ones(2, 6, dtype=torch.bool)).sum()
        return sum(sizes)

    assert kept(True) < kept(False) / 4


@pytest.mark.parametrize('system', ['instancevg', 'lggd'])
def test_channels_last_changes_no_loss(system, refshapes_tiny, tmp_path):
    compare(system, refshapes_tiny, tmp_path, Modes(channels_last=True), 1e-4, options=SGD)


@pytest.mark.slow
@pytest.mark.parametrize('system', ['instancevg', 'lggd'])
def test_compiled_parts_change_no_loss(system, refshapes_tiny, tmp_path):
    compare(system, refshapes_tiny, tmp_path, Modes(compile='aot_eager'), 1e-5, options=SGD)


def with_all_modes(data, work_dir):
    cfg = small_runs.config('instancevg', data, work_dir, iterations=6)
    cfg.train_cfg.val_interval = 6
    cfg.auto_scale_lr = dict(base_batch_size=16)
    modes = Modes(
        amp='bf16',
        compile='eager',
        channels_last=True,
        fused=True,
        checkpoint_activations=True,
        accumulate=2,
        ema=0.1,
        auto_scale_lr=True,
        freeze=['text', 'neck.projection'],
        lora=2,
        lora_trained=['neck', 'head'],
    )
    modes.apply(cfg)
    check_config(cfg)
    return cfg


@pytest.mark.slow
def test_a_run_with_all_modes_goes_on_bit_for_bit(refshapes_tiny, tmp_path, monkeypatch):
    """From between two updates, in the middle of a pass over the data."""
    monkeypatch.setattr('mmvg.apis.modes._missing_precision', lambda dtype: None)
    small_runs.train(with_all_modes(refshapes_tiny, tmp_path / 'whole'))
    small_runs.train(with_all_modes(refshapes_tiny, tmp_path / 'resumed'), tmp_path / 'whole/iter_3.pth')
    states = [small_runs.state(tmp_path / name / 'iter_6.pth') for name in ('whole', 'resumed')]
    assert states[0]['average'] is not None
    assert small_runs.difference(*states) is None


def test_parts_that_are_compiled_are_called_compiled():
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph.forward

    from mmvg.models.backbones import BertTextEncoder

    bert = BertTextEncoder(embed_dims=8, num_layers=3, num_heads=2, ffn_channels=16, vocab_size=10).eval()
    inputs = torch.full((2, 6), 5), torch.ones(2, 6, dtype=torch.bool)
    expected = bert(*inputs)
    assert compile_parts(bert, dict(backend=backend)) == [f'bert.encoder.layer.{i}' for i in range(3)]
    torch.testing.assert_close(bert(*inputs), expected)
    assert len(seen) == 1  # the layers share it


def test_a_test_in_half_precision_answers_in_half_precision(refshapes_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr('mmvg.apis.modes._missing_precision', lambda dtype: None)
    seen = []
    for amp in (None, 'bf16'):
        cfg = small_runs.config('instancevg', refshapes_tiny, tmp_path / str(amp))
        if amp:
            use_amp_in_tests(cfg, amp)
        MMLogger._instance_dict.clear()
        runner = GroundingRunner.from_cfg(cfg)
        layer = runner.model.backbone.encoder.layers[0].ffn.A.fc1
        layer.register_forward_hook(lambda module, args, output: seen.append(output.dtype))
        scores = runner.test()
    assert scores
    assert seen[0] == torch.float32
    assert seen[-1] == torch.bfloat16


@pytest.fixture
def lora_run(refshapes_tiny, random_checkpoint, tmp_path):
    """A training of adapters on weights of another run: function that makes its config, and the folder it was in."""

    def config(name, modes=Modes(lora=2), iterations=2):  # noqa: B008
        cfg = small_runs.config('instancevg', refshapes_tiny, tmp_path / name, iterations=iterations)
        cfg.load_from = str(random_checkpoint('instancevg'))
        modes.apply(cfg)
        return cfg

    small_runs.train(config('run'))
    return config, tmp_path / 'run'


def test_adapters_are_saved_alone_and_make_the_weights_of_the_whole_checkpoint(lora_run, random_checkpoint):
    config, folder = lora_run
    base, whole = load_state_dict_file(random_checkpoint('instancevg')), load_state_dict_file(folder / 'iter_2.pth')
    file = load_checkpoint_file(folder / 'adapters.safetensors')
    assert all(map(is_adapter, file['state_dict']))
    assert (
        sum(value.numel() for value in file['state_dict'].values()) < sum(value.numel() for value in base.values()) / 4
    )
    assert file['meta']['model'].endswith('instancevg/tiny.py')
    assert all(torch.equal(base[name], whole[name]) for name in base)
    assert any(whole[name].any() for name in whole if name.endswith('lora_b'))
    cfg = config('test', Modes())
    use_adapters(cfg, str(folder / 'adapters.safetensors'))
    check_config(cfg)
    MMLogger._instance_dict.clear()
    runner = GroundingRunner.from_cfg(cfg)
    runner.load_checkpoint(cfg.load_from)
    torch.testing.assert_close(weights(runner), merge_adapters(whole), atol=0, rtol=0)


def test_a_run_does_not_go_on_without_its_adapters(lora_run):
    config, folder = lora_run
    cfg = config('other', Modes(), iterations=3)
    cfg.update(resume=True, load_from=str(folder / 'iter_2.pth'))
    with pytest.raises(RunError, match='the run trained adapters: go on with the --lora that it had'):
        small_runs.train(cfg)


def test_adapters_that_are_not_there_are_an_error():
    with pytest.raises(FileNotFoundError, match='a training with --lora writes it into its work dir'):
        use_adapters(read('lavt/tiny.py'), 'nowhere/adapters.safetensors')
