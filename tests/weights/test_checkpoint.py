"""Weights come from files that hold nothing else, or not at all; a difference is named."""

import os
import pickle
import zipfile

import mmengine.runner
import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, StepLR
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mmvg.weights.checkpoint import (
    CheckpointError,
    find_state_dict,
    load_checkpoint_file,
    load_state_dict_file,
    load_weights,
    save_weights,
    use_safe_checkpoint_loading,
)


class Trap:
    """Would make a folder if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def safe_loading():
    schemes = CheckpointLoader._schemes.copy()
    use_safe_checkpoint_loading()
    yield
    CheckpointLoader._schemes = schemes


def small_net(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width))


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_what_is_saved_is_loaded(tmp_path, suffix):
    source, target = small_net(), small_net()
    path = tmp_path / 'new' / f'weights{suffix}'
    save_weights(source, path, meta=dict(source='a test'))
    load_weights(target, path)
    assert all(value.equal(source.state_dict()[name]) for name, value in target.state_dict().items())
    assert load_checkpoint_file(path)['meta'] == dict(source='a test')
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing unfinished is left


def test_tensors_that_share_memory_are_saved_as_safetensors(tmp_path):
    shared = torch.arange(6.0).view(2, 3)
    save_weights({'a': shared, 'b': shared, 'c': shared.T}, tmp_path / 'w.safetensors')
    loaded = load_state_dict_file(tmp_path / 'w.safetensors')
    assert loaded['a'].equal(shared)
    assert loaded['b'].equal(shared)
    assert loaded['c'].equal(shared.T)


@pytest.mark.parametrize(
    'wrap', [lambda s: s, lambda s: {'state_dict': s, 'epoch': 3}, lambda s: {'model': s}, lambda s: {'module': s}]
)
def test_weights_are_found_under_the_usual_keys_and_behind_module(tmp_path, wrap):
    net = small_net()
    torch.save(wrap({f'module.{name}': value for name, value in net.state_dict().items()}), tmp_path / 'w.pth')
    assert load_state_dict_file(tmp_path / 'w.pth').keys() == net.state_dict().keys()


@pytest.mark.parametrize('prefix', ['_orig_mod.', 'module._orig_mod.', '_orig_mod.module.'])
def test_the_prefixes_of_a_compiled_model_are_stripped(tmp_path, prefix):
    net = nn.Linear(3, 2)
    torch.save({f'{prefix}{name}': value for name, value in net.state_dict().items()}, tmp_path / 'w.pth')
    assert load_state_dict_file(tmp_path / 'w.pth').keys() == {'weight', 'bias'}


def test_a_compiled_part_of_a_model_keeps_its_name():
    state = find_state_dict({'head._orig_mod.weight': torch.ones(1), 'scale': torch.ones(1)}, 'part.pth')
    assert list(state) == ['head.weight', 'scale']


def test_the_weights_of_an_averaged_model_are_those_of_the_model(tmp_path):
    net = nn.Linear(3, 2)
    torch.save(torch.optim.swa_utils.AveragedModel(net).state_dict(), tmp_path / 'w.pth')
    load_weights(nn.Linear(3, 2), tmp_path / 'w.pth')


def test_numpy_scalars_of_a_metric_are_harmless(tmp_path):
    torch.save(dict(state_dict={'a': torch.ones(1)}, best=np.float64(73.5), seen=np.int64(4)), tmp_path / 'w.pth')
    checkpoint = load_checkpoint_file(tmp_path / 'w.pth')
    assert (checkpoint['best'], checkpoint['seen']) == (73.5, 4)


@pytest.mark.parametrize('kind', ['zip', 'legacy', 'pickle'])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path, kind):
    path, trap = tmp_path / 'weights.pth', Trap(tmp_path / 'was_run')
    if kind == 'pickle':
        path.write_bytes(pickle.dumps(trap, protocol=2))
    else:
        torch.save(dict(state_dict={}, extra=trap), path, _use_new_zipfile_serialization=kind == 'zip')
    with pytest.raises(CheckpointError, match=r'weights\.pth: cannot be read safely') as error:
        load_checkpoint_file(path)
    assert not trap.path.exists()
    if kind == 'zip':
        assert 'mkdir' in str(error.value)


class Reader:
    """Asks for an attribute, as MMEngine's log buffers do, but for another one."""

    def __reduce__(self):
        return getattr, (nn.Linear, '__init__')


def test_getattr_is_only_for_log_buffers(tmp_path):
    torch.save(dict(extra=Reader()), tmp_path / 'w.pth')
    with pytest.raises(CheckpointError, match='cannot be read safely'):
        load_checkpoint_file(tmp_path / 'w.pth')


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'is empty'),
        (b'\n<!DOCTYPE html><html>Sign in</html>', 'a web page'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'a Git LFS pointer'),
        (b'hello', 'of another format'),
        (b'{"a": 1}', 'of another format'),
    ],
)
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_what_is_no_checkpoint_is_recognised(tmp_path, content, reason, suffix):
    path = tmp_path / f'weights{suffix}'
    path.write_bytes(content)
    if reason == 'of another format' and suffix == '.safetensors':
        reason = 'no whole safetensors file'
    with pytest.raises(CheckpointError, match=reason) as error:
        load_checkpoint_file(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ('suffix', 'zipped', 'reason'),
    [('.pth', True, 'cut off'), ('.pth', False, 'cut off'), ('.safetensors', True, 'no whole safetensors file')],
)
def test_a_truncated_file_is_recognised(tmp_path, suffix, zipped, reason):
    path = tmp_path / f'weights{suffix}'
    if zipped:
        save_weights(small_net(), path)
    else:
        torch.save(small_net().state_dict(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=reason):
        load_checkpoint_file(path)


def test_a_repacked_archive_and_a_missing_file_are_explained(tmp_path):
    with zipfile.ZipFile(tmp_path / 'beit3.zip', 'w') as archive:
        archive.writestr('beit3_base.pth', b'...')
    with pytest.raises(CheckpointError, match=r'ordinary zip archive with beit3_base\.pth'):
        load_checkpoint_file(tmp_path / 'beit3.zip')
    with pytest.raises(FileNotFoundError, match=r'data/README\.md says where it comes from'):
        load_checkpoint_file(tmp_path / 'none.pth')
    torch.save({'state_dict': [1, 2]}, tmp_path / 'list.pth')
    with pytest.raises(CheckpointError, match=r'no weights found.*which holds state_dict'):
        load_state_dict_file(tmp_path / 'list.pth')


def test_every_difference_is_named_with_shapes_and_the_nearest_name(tmp_path):
    file = dict(small_net(width=5).state_dict())
    file['1.weigth'] = file.pop('1.weight')
    save_weights(file, tmp_path / 'w.pth')
    net = small_net()
    before = net[0].weight.clone()
    with pytest.raises(CheckpointError) as error:
        load_weights(net, tmp_path / 'w.pth')
    assert str(error.value) == (
        f'{tmp_path}/w.pth does not fit Sequential: 1 missing, 1 unexpected and 5 of another shape.\n'
        'missing in the file:\n'
        '  1.weight 4  (nearest: 1.weigth 5)\n'
        'unexpected in the file:\n'
        '  1.weigth 5  (nearest: 1.weight 4)\n'
        'of another shape:\n'
        '  0.weight: 5x3 in the file, 4x3 in the model\n'
        '  0.bias: 5 in the file, 4 in the model\n'
        '  1.bias: 5 in the file, 4 in the model\n'
        '  1.running_mean: 5 in the file, 4 in the model\n'
        '  1.running_var: 5 in the file, 4 in the model'
    )
    assert net[0].weight.equal(before)


def test_the_checkpoint_of_another_model_is_called_so_in_a_bounded_message(tmp_path):
    net = nn.ModuleDict({f'layer{i}': small_net() for i in range(60)})
    save_weights({f'encoder.block{i}.weight': torch.ones(2) for i in range(400)}, tmp_path / 'w.pth')
    with pytest.raises(CheckpointError, match=r'another model: 0 of 420 names agree.*begin\s+with encoder') as error:
        load_weights(net, tmp_path / 'w.pth')
    assert '... and 412 more' in str(error.value)
    assert len(str(error.value)) < 3000


def test_only_what_is_allowed_by_name_may_differ(tmp_path):
    file = small_net().state_dict()
    file['head.weight'] = file.pop('1.weight')
    save_weights(file, tmp_path / 'w.pth')
    net = small_net()
    load_weights(net, tmp_path / 'w.pth', allowed_missing=['1.weight'], allowed_unexpected=['head.*'])
    assert net[0].weight.equal(file['0.weight'])
    with pytest.raises(CheckpointError, match='0 missing, 1 unexpected'):
        load_weights(net, tmp_path / 'w.pth', allowed_missing=['1.weight'])


class Regressor(BaseModel):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 1)

    def forward(self, inputs, targets, mode='tensor'):
        return dict(loss=(self.net(torch.stack(inputs)) - torch.stack(targets)).square().mean())


def runner(work_dir, epochs, **changes):
    data = [dict(inputs=torch.ones(2) * i, targets=torch.ones(1)) for i in range(4)]
    return Runner(
        model=Regressor(),
        work_dir=str(work_dir),
        train_dataloader=dict(batch_size=2, dataset=data, sampler=dict(type=DefaultSampler, shuffle=False)),
        optim_wrapper=dict(type=OptimWrapper, optimizer=dict(type=torch.optim.Adam, lr=0.1)),
        param_scheduler=dict(type=StepLR, step_size=1),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        default_hooks=dict(checkpoint=dict(type=CheckpointHook, interval=1)),
        experiment_name=f'test_checkpoint_{epochs}_{work_dir.name}',
        **changes,
    )


def test_training_resumes_from_mmengines_own_checkpoint(tmp_path, safe_loading):
    straight = runner(tmp_path / 'straight', 3)
    straight.train()
    checkpoint = load_checkpoint_file(tmp_path / 'straight' / 'epoch_2.pth')
    history = checkpoint['message_hub']['log_scalars']['train/loss']
    assert len(history.data[0]) == 4
    assert history.mean() > 0
    resumed = runner(tmp_path / 'resumed', 3, load_from=str(tmp_path / 'straight' / 'epoch_2.pth'), resume=True)
    resumed.train()
    assert (resumed.epoch, resumed.iter) == (3, 6)
    assert resumed.optim_wrapper.get_lr() == straight.optim_wrapper.get_lr()
    assert resumed.model.net.weight.equal(straight.model.net.weight)


def test_mmengine_neither_runs_code_nor_downloads(tmp_path, safe_loading):
    trap = Trap(tmp_path / 'was_run')
    torch.save(dict(state_dict={}, extra=trap), tmp_path / 'trap.pth')
    with pytest.raises(CheckpointError, match='cannot be read safely'):
        mmengine.runner.load_checkpoint(small_net(), str(tmp_path / 'trap.pth'))
    assert not trap.path.exists()
    for scheme in ('https://example.com/', 'torchvision://', 'open-mmlab://', 's3://bucket/'):
        with pytest.raises(CheckpointError, match='never downloaded'):
            mmengine.runner.load_checkpoint(small_net(), f'{scheme}resnet50.pth')
    ours = {loader.__module__ for loader in CheckpointLoader._schemes.values()}
    assert ours == {'mmvg.weights.checkpoint'}
