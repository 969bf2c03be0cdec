import ast
import gc
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import distributed, multiprocessing

from mmvg.apis import load_config
from mmvg.config import read_config
from mmvg.refshapes import generate
from mmvg.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'


@pytest.fixture(autouse=True)
def leave_no_default_scope():
    """A Runner leaves its default scope and its logger to the whole process; the next test must not use them.

    A logger goes by the second at which its run started, and writes to the output that pytest captured for that test.
    """
    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()
    MMLogger._instance_dict.clear()


@pytest.fixture(scope='module', autouse=True)
def leave_imports_out_of_garbage_collection():
    """MMEngine collects garbage whenever a data set is made, which takes a second over all that is imported by then."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()  # at exit, nanobind takes what nobody freed for leaks


@pytest.fixture(scope='session', autouse=True)
def save_configs_without_layout():
    """MMEngine has yapf lay out a config four times in a run, which takes longer than a run of two steps."""
    with pytest.MonkeyPatch.context() as patch:
        for place in ('mmengine.config.config', 'yapf.yapflib.yapf_api'):  # where OpenMMLab's has it, and OneDL's
            patch.setattr(f'{place}.FormatCode', lambda code, **_: (code, ast.parse(code) is not None), raising=False)
        yield


@pytest.fixture(scope='session')
def run_in_processes(tmp_path_factory):
    """Function: run ``work(rank, *args)``, of a module, in ``count`` processes of one group (gloo).

    The processes are forks of a server that has imported mmvg and done nothing else: forks of the tests' own process
    may hold what does not survive it, such as the threads of autograd.
    """
    multiprocessing.set_forkserver_preload(['mmvg.apis', 'mmvg.models', 'mmvg.engine', 'mmvg.datasets'])

    def run(work, count, *args):
        rendezvous = tmp_path_factory.mktemp('processes') / 'rendezvous'
        arguments = (work, count, f'file://{rendezvous}', args)
        multiprocessing.start_processes(_work_in_group, arguments, nprocs=count, start_method='forkserver')

    return run


def _work_in_group(rank, work, count, rendezvous, args):
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', rendezvous, timedelta(seconds=60), rank=rank, world_size=count)
    work(rank, *args)
    distributed.barrier()  # nobody leaves while another one still listens
    distributed.destroy_process_group()


def pytest_addoption(parser):
    parser.addoption(
        '--record-first-losses', action='store_true', help='write tests/models/first_losses.json anew, do not compare'
    )


@pytest.fixture(scope='session')
def shared_folder(tmp_path_factory, request):
    """A folder that all processes of a run see; whoever makes something in it holds a lock."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, 'workerinput') else base


@pytest.fixture(scope='session')
def refshapes_tiny(shared_folder):
    """The smallest RefShapes in every format, drawn once for all processes of a run; read it, write elsewhere."""
    root = shared_folder / 'refshapes_tiny'
    with FileLock(f'{root}.lock'):
        generate(root, 'tiny', seed=0, workers=1)  # nothing happens when it is there
    return root


@pytest.fixture(scope='session')
def benchmarks_tiny(refshapes_tiny, tmp_path_factory):
    """Links to the smallest RefShapes, which also lies where the configs of the real data look for it."""
    root = tmp_path_factory.mktemp('benchmarks')
    (root / 'images').mkdir()
    for entry in refshapes_tiny.iterdir():
        if entry.name != 'images':
            (root / entry.name).symlink_to(entry)
    (root / 'images/train2014').symlink_to(refshapes_tiny / 'images/train2014')
    (root / 'images/trainval2014').symlink_to(refshapes_tiny / 'ref-zom/trainval2014')
    (root / 'grefs').symlink_to(refshapes_tiny / 'instancevg/grefs')
    return root


@pytest.fixture(scope='session')
def random_checkpoint(refshapes_tiny, shared_folder):
    """Function: a checkpoint of the tiny model of a system, with its config, that has learned nothing.

    Its weights are so far from zero that the answers depend on image and text. It is made once in a run.
    """

    def make(system, seed=0, **postprocess):
        # the fusion of ReLA's almost even attention would enlarge the rounding of larger weights ten thousand times
        std = 0.15 if system == 'rela' else 0.3
        name = '-'.join([system, str(seed), *(f'{key}={value}' for key, value in postprocess.items())])
        path = shared_folder / f'checkpoints/{name}/model.pth'
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f'{path}.lock'):
            if not path.is_file():
                cfg = load_config(str(CONFIGS / system / 'tiny.py'))
                cfg.model.head.postprocess.update(postprocess)
                for step in cfg.test_dataloader.dataset.pipeline:
                    if 'tokenizer' in step:
                        step.tokenizer.vocab_file = str(refshapes_tiny / 'vocab.txt')
                save_checkpoint(cfg, random_model(cfg, seed, std), path)
        return path

    return make


def random_model(cfg, seed=0, std=0.3):
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, weight in model.named_parameters():
        if 'norm' not in name:
            torch.nn.init.normal_(weight, std=std)
    return model


def save_checkpoint(cfg, model, path):
    torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()), path)


@pytest.fixture
def tiny_model_cfg():
    """The shipped InstanceVG in the sizes of ``tiny_official``."""
    model = read_config(CONFIGS / '_base_/models/instancevg_base.py').model
    model.backbone.update(
        img_size=32, patch_size=8, embed_dims=16, num_layers=2, num_heads=2, vocab_size=30, max_text_positions=12
    )
    model.neck.projection.update(image_channels=16, text_channels=16, out_channels=32)
    model.neck.query_generator.update(in_channels=32, num_queries=3)
    model.neck.pyramid.update(in_channels=32, out_channels=32)
    model.neck.query_decoder.update(embed_dims=32)
    model.neck.pixel_decoder.update(in_channels=[32] * 4, channels=32)
    model.head.in_channels = 32
    return model
