"""Files whose config means harm: nothing of them runs, nothing hangs, and the refusal says what to do."""

import codecs
import inspect
import json
import pickle
import re
import zipfile

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import Registry, root

from mmvg.apis import GroundingInferencer, load_config, train
from mmvg.apis.model_source import open_model
from mmvg.config import ConfigError, read_config, to_data
from mmvg.config.parts import REFUSED, _nodes, problem_of_part
from mmvg.config.plain_data import to_json
from mmvg.engine.runner import GroundingRunner
from mmvg.weights import CheckpointError, load_checkpoint_file, save_weights, write_model_folder

#: Texts of configs; MARK is a shell command that leaves a file.
TEXTS = {
    'a statement': "import os\nos.system('MARK')\n",
    'an expression': "_x = __import__('os').system('MARK')\n",
    'a call in a dict': 'model = dict(type=eval(\'__import__("os").system("MARK")\'))\n',
    'a comprehension': "x = [__import__('os').system('MARK') for _ in range(2)]\n",
    'a default of a function': "def f(x=__import__('os').system('MARK')): pass\n",
    'a decorator': "@__import__('os').system\nclass MARK: pass\n",
    'a walrus': "x = (y := __import__('os').system('MARK'))\n",
    'a formatted string': "x = f\"{__import__('os').system('MARK')}\"\n",
    'a base file': 'from mmengine.config import read_base\nwith read_base():\n    from .evil import *\n',
    'a loop without end': 'while True: pass\n',
    'a power of a power': 'x = 9**9**9**9\n',
    'a list of any length': 'x = [0] * 10**12\n',
    'a deep list': 'x = ' + '[' * 90 + ']' * 90 + '\n',
    'a million signs': 'x = ' + '-' * 900_000 + '1\n',
    'a megabyte too long': 'x = 1\n' * 300_000,
    'a class': "class model(dict, metaclass=type('M', (type,), {})): pass\n",
    'unpacked words': "model = dict(**__import__('builtins').vars())\n",
}
#: Names under ``type``, with the arguments that would do harm.
TYPES = {
    'os.system': dict(command='MARK'),
    'posix.system': dict(command='MARK'),
    'subprocess.Popen': dict(args='MARK', shell=True),
    'builtins.eval': {},
    'eval': {},
    "__import__('os').system": dict(command='MARK'),
    'functools.partial': {},
    'torch.load': dict(f='evil.pkl', weights_only=False),
    'torch.hub.load': dict(repo_or_dir='evil/evil', model='x'),
    'torch.jit.load': dict(f='evil.pt'),
    'mmengine.config.Config.fromfile': dict(filename='evil.py'),
    'mmengine.Config.fromfile': dict(filename='evil.py'),
    'mmengine.fileio.load': dict(file='evil.pkl'),
    'mmengine.utils.import_modules_from_strings': dict(imports=['evil']),
    'mmengine.runner.load_checkpoint': dict(filename='evil.pth'),
    'mmdet.apis.DetInferencer': dict(model='evil.py'),
    'mmdet.CameraMotionCompensation': dict(warp_mode="__import__('os').system('MARK')"),
    'mmvg.apis.GroundingInferencer': dict(model='evil.pth'),
    'mmvg.apis.train': dict(cfg='evil.py'),
    'mmvg.config.read_config': dict(filename='evil.py'),
    'evil.Backbone': {},
    '..evil': {},
    'transformers.pipeline': dict(task='x', trust_remote_code=True),
}


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """A file that must never appear; ``evil.py``, ``evil.pkl`` and the package ``evil`` would write it."""
    file = tmp_path / 'mark'
    code = f"open({str(file)!r}, 'w').close()\n"
    (tmp_path / 'evil.py').write_text(code)
    for name in ('evil.pkl', 'evil.pth', 'evil.pt'):
        (tmp_path / name).write_bytes(pickle.dumps(_Runs(code)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    assert not file.exists()


class _Runs:
    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return exec, (self.code,)


@pytest.fixture
def honest(random_checkpoint):
    return torch.load(random_checkpoint('instancevg'), weights_only=True)


def with_mark(value, mark):
    if isinstance(value, dict):
        return {key: with_mark(entry, mark) for key, entry in value.items()}
    return value.replace('MARK', f'touch {mark}') if isinstance(value, str) else value


@pytest.mark.parametrize('name', TEXTS)
def test_the_text_of_a_config_in_a_checkpoint_is_read_and_never_run(name, mark, tmp_path, honest):
    honest['meta']['cfg'] += '\n' + TEXTS[name].replace('MARK', f'touch {mark}')
    torch.save(honest, tmp_path / 'foreign.pth')
    with pytest.raises(ConfigError, match=r'(?s)foreign\.pth, its config.*trust_config=True.*--trust-config') as caught:
        open_model(tmp_path / 'foreign.pth')
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize('name', TYPES)
@pytest.mark.parametrize('place', ['model', 'model.head.postprocess', 'pipeline'])
def test_a_type_outside_the_list_is_refused_before_anything_is_built(name, place, mark, tmp_path, honest):
    cfg = to_data(Config.fromstring(honest['meta']['cfg'], '.py'))
    part = with_mark(dict(TYPES[name], type=name), mark)
    if place == 'pipeline':
        cfg['test_dataloader']['dataset']['pipeline'].append(part)
    elif place == 'model':
        cfg['model']['backbone'] = part
    else:
        cfg['model']['head']['postprocess'] = part
    torch.save(dict(honest, meta=dict(cfg=cfg)), tmp_path / 'foreign.pth')
    with pytest.raises(ConfigError, match=r'(?s)\.type: .* is (no part|not allowed)'):
        open_model(tmp_path / 'foreign.pth')


def test_parts_that_evaluate_what_they_are_given_are_refused_by_every_name():
    for path in REFUSED:
        names = [path, path.rpartition('.')[2], f'{path.split(".")[0]}.{path.rpartition(".")[2]}']
        assert None not in [problem_of_part(name, model=False) for name in names], path


#: Removes folders of checkpoints; the Runner takes SafeCheckpointHook in its place.
HARMLESS = {'mmengine.hooks.checkpoint_hook.CheckpointHook'}


def test_no_part_that_is_allowed_runs_fetches_or_removes_what_it_is_told_to():
    problem_of_part('NoSuchPart', model=False)  # fills all registries
    nodes = [node for top in vars(root).values() if isinstance(top, Registry) for node in _nodes(top)]
    parts = {part for node in nodes for part in node.module_dict.values() if isinstance(part, type)}
    assert len(parts) > 500
    found = set()
    for part in parts:
        path = f'{part.__module__}.{part.__qualname__}'
        allowed = problem_of_part(path, model=False) is None and not path.startswith(('mmvg.', 'torch.'))
        if allowed and CALLS.search(re.sub('(?s)""".*?"""', '', inspect.getsource(part))):
            found.add(path)
    assert found == HARMLESS


CALLS = re.compile(
    r'pickle\.loads?\(|(?<![\w.])(?:eval|exec)\(|rmtree|from_pretrained|datafrombytes|os\.system|subprocess|'
    r'torch\.load\(|import_module|load_url|urlopen|Config\.fromfile'
)


def test_the_suppression_of_mmdet_may_only_be_one_that_it_has():
    assert problem_of_part('nms', model=True, nms=True) is None
    assert problem_of_part("__import__('os').getpid", model=True, nms=True) is not None


@pytest.mark.parametrize('key', ['constructor', 'runner_type', '_scope_'])
def test_other_keys_that_name_what_is_called_are_checked_too(key, mark, tmp_path, honest):
    cfg = to_data(Config.fromstring(honest['meta']['cfg'], '.py'))
    cfg['optim_wrapper'][key] = 'evil.Backbone'
    torch.save(dict(honest, meta=dict(cfg=cfg)), tmp_path / 'foreign.pth')
    with pytest.raises(ConfigError, match=f'optim_wrapper.{key}'):
        open_model(tmp_path / 'foreign.pth')


def test_modules_that_a_config_wants_imported_are_not(mark, tmp_path, honest):
    cfg = to_data(Config.fromstring(honest['meta']['cfg'], '.py'))
    cfg['custom_imports'] = dict(imports=['evil'])
    torch.save(dict(honest, meta=dict(cfg=cfg)), tmp_path / 'foreign.pth')
    open_model(tmp_path / 'foreign.pth')  # names nothing of that module, so it can be built without


def test_a_file_that_a_part_would_unpickle_is_refused(mark, tmp_path, honest):
    """mmseg's losses read ``class_weight`` from a file by mmengine.fileio."""
    cfg = to_data(Config.fromstring(honest['meta']['cfg'], '.py'))
    cfg['model']['head']['mask_loss'] = dict(type='mmseg.CrossEntropyLoss', class_weight='evil.pkl')
    torch.save(dict(honest, meta=dict(cfg=cfg)), tmp_path / 'foreign.pth')
    with pytest.raises(CheckpointError, match='format that can run code'):
        GroundingInferencer(tmp_path / 'foreign.pth', device='cpu')


def test_a_config_of_mmdetection_that_lies_beside_the_file_is_not_run(mark, tmp_path, honest):
    cfg = to_data(Config.fromstring(honest['meta']['cfg'], '.py'))
    for config in ('evil.py', str(tmp_path / 'evil.py')):
        paths = dict(config=config, checkpoint='evil.pth', bert_folder='.')
        cfg['model'] = dict(type='ForeignGrounder', library=dict(type='MMDetGroundingDINO', **paths), head={})
        torch.save(dict(honest, meta=dict(cfg=cfg)), tmp_path / 'foreign.pth')
        with pytest.raises(CheckpointError, match=r'asks to run .*evil\.py'):
            GroundingInferencer(tmp_path / 'foreign.pth', device='cpu')


def test_a_safetensors_file_and_a_folder_go_through_the_same_door(mark, tmp_path, honest):
    evil = dict(model=with_mark(dict(type='os.system', command='MARK'), mark))
    save_weights(honest['state_dict'], tmp_path / 'a.safetensors', meta=dict(cfg=evil))
    code = f"import os; os.system('touch {mark}')"
    save_weights(honest['state_dict'], tmp_path / 'b.safetensors', meta=dict(cfg=code))
    write_model_folder(tmp_path / 'c', honest['state_dict'], evil)
    for name in ('a.safetensors', 'b.safetensors', 'c'):
        with pytest.raises(ConfigError, match='its config'):
            open_model(tmp_path / name)


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('a.yaml', 'model: !!python/object/apply:os.system ["MARK"]\n'),
        ('b.yml', 'model: !!python/object/new:subprocess.Popen [["sh", "-c", "MARK"]]\n'),
        ('c.yaml', 'model: {type: os.system, command: "MARK"}\n'),
        ('d.json', '{"model": {"type": "os.system", "command": "MARK"}}'),
        ('e.yaml', '_base_: evil.py\n'),
        ('f.json', '{"_base_": "evil.py"}'),
        ('g.yaml', 'custom_imports: {imports: [evil]}\nmodel: {type: evil.Backbone}\n'),
        ('h.yaml', 'a0: &a0 [x]\n' + ''.join(f'a{n + 1}: &a{n + 1} [*a{n}, *a{n}, *a{n}]\n' for n in range(30))),
        ('i.yaml', 'a: &a [*a]\n'),
        ('j.json', '[' * 100_000),
        ('k.yaml', '[' * 100_000),
        ('l.json', '{"lr": ' + '9' * 10_000 + '}'),
        ('m.yaml', 'x: 1\n' * 200_000),
    ],
)  # fmt: skip
def test_a_config_in_json_or_yaml_stays_data(name, text, mark, tmp_path):
    (tmp_path / name).write_text(text.replace('MARK', f'touch {mark}'))
    with pytest.raises(ConfigError, match=name):
        read_config(tmp_path / name)


def test_what_a_config_in_yaml_makes_others_read_is_refused_in_a_run_too(mark, tmp_path, refshapes_tiny):
    data = to_data(load_config('instancevg/tiny', {'data_root': str(refshapes_tiny), 'vocab_file': 'vocab.txt'}))
    (tmp_path / 'vocab.txt').write_bytes((refshapes_tiny / 'vocab.txt').read_bytes())
    data['model']['head']['mask_loss'] = dict(type='mmseg.CrossEntropyLoss', class_weight='evil.pkl')
    data |= dict(work_dir=str(tmp_path / 'run'))
    (tmp_path / 'mine.json').write_text(to_json(data))
    cfg = load_config(tmp_path / 'mine.json')
    with pytest.raises(CheckpointError, match='format that can run code'):
        train(cfg)


def test_a_config_in_yaml_that_is_honest_is_read(tmp_path):
    (tmp_path / 'mine.yml').write_text('model: {type: mmvg.models.Grounder}\ntrain_cfg: {max_iters: 3}\n')
    assert read_config(tmp_path / 'mine.yml').model.type == 'mmvg.models.Grounder'


def test_metadata_of_safetensors_that_is_deep_or_no_json_is_an_error(tmp_path):
    from safetensors.torch import save_file

    for meta in ('[' * 100_000, '{"cfg": ', 'null and void', '{"a":' * 200 + '1' + '}' * 200, '9' * 10_000):
        save_file({'weight': torch.ones(1)}, tmp_path / 'x.safetensors', metadata={'format': 'pt', 'meta': meta})
        with pytest.raises(CheckpointError, match=r'x\.safetensors: its notes'):
            load_checkpoint_file(tmp_path / 'x.safetensors')


def test_a_checkpoint_whose_lists_share_each_other_is_refused_at_once(tmp_path):
    laughs = ['ha']
    for _ in range(60):
        laughs = [laughs, laughs]
    torch.save(dict(meta=dict(cfg=dict(model=laughs)), state_dict={'w': torch.ones(1)}), tmp_path / 'laughs.pth')
    with pytest.raises(CheckpointError, match=r'(?s)laughs\.pth.*unfolds to more than'):
        load_checkpoint_file(tmp_path / 'laughs.pth')


def test_a_checkpoint_that_is_deep_or_holds_itself_is_refused(tmp_path):
    deep = []
    for _ in range(200):
        deep = [deep]
    around = {}
    around['around'] = around
    for value, message in ((deep, 'levels deep'), (around, 'holds itself')):
        torch.save(dict(meta=value, state_dict={'w': torch.ones(1)}), tmp_path / 'x.pth')
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint_file(tmp_path / 'x.pth')


def test_an_archive_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    bomb = zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED, compresslevel=1)
    with bomb, bomb.open('bomb/data.pkl', 'w') as file:
        for _ in range(256):
            file.write(bytes(1 << 20))
    with pytest.raises(CheckpointError, match='compressed'):
        load_checkpoint_file(tmp_path / 'bomb.pth')


def test_one_instruction_that_fills_the_memory_is_refused(tmp_path):
    class Fills:
        def __reduce__(self):
            return bytearray, (3_300_000_000,)

    for zipped in (True, False):
        torch.save(dict(state_dict=Fills()), tmp_path / 'x.pth', _use_new_zipfile_serialization=zipped)
        with pytest.raises(CheckpointError, match=r'builtin.*\.bytearray'):
            load_checkpoint_file(tmp_path / 'x.pth')


def test_an_encoding_that_takes_time_without_end_is_refused(tmp_path):
    class Slow:
        def __reduce__(self):
            return codecs.encode, ('text', 'punycode')

    torch.save(dict(state_dict=Slow()), tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='punycode'):
        load_checkpoint_file(tmp_path / 'x.pth')


def test_a_pickle_of_endless_instructions_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvg.weights.pickle_limits.MAX_INSTRUCTIONS', 10_000)
    torch.save(dict(state_dict=[0] * 20_000), tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='more than 10,000 instructions'):
        load_checkpoint_file(tmp_path / 'x.pth')


def test_the_config_of_a_checkpoint_to_resume_from_is_not_run(mark, tmp_path, refshapes_tiny, honest):
    cfg = read_config('instancevg/tiny')
    model = torch.nn.Linear(1, 1)
    code = f"import os\nos.system('touch {mark}')\n"
    content = dict(meta=dict(config=code, cfg=code, iter=1, epoch=0), state_dict=model.state_dict())
    torch.save(content, tmp_path / 'foreign.pth')
    runner = GroundingRunner.__new__(GroundingRunner)
    runner.model, runner._hooks, runner.logger, runner._resume = model, [], _Silent(), True
    loaded = runner.load_checkpoint(str(tmp_path / 'foreign.pth'))
    assert 'config' not in loaded['meta']
    assert cfg.default_scope == 'mmvg'


class _Silent:
    def info(self, text):
        pass


@pytest.mark.parametrize(
    'change',
    [
        dict(format_version=2),
        dict(format='other'),
        dict(weights={}),
        dict(files={'vocab.txt': '../../../etc/passwd'}),
        dict(files={'vocab.txt': '/etc/passwd'}),
        dict(files=['vocab.txt']),
        dict(config=[1]),
    ],
)
def test_a_folder_that_reaches_out_or_is_of_another_kind_is_refused(change, tmp_path, honest):
    write_model_folder(tmp_path / 'x', honest['state_dict'], dict(model=dict(type='mmvg.models.Grounder')))
    content = json.loads((tmp_path / 'x/config.json').read_text())
    (tmp_path / 'x/config.json').write_text(json.dumps(dict(content, **change)))
    with pytest.raises(CheckpointError, match=r'config\.json'):
        open_model(tmp_path / 'x')


def test_files_for_text_cannot_be_laid_outside_of_their_folder(tmp_path, honest):
    for path in ('..', 'a/..', ''):
        torch.save(dict(honest, meta=dict(honest['meta'], files={path: 'QQ=='})), tmp_path / 'x.pth')
        with pytest.raises(CheckpointError, match='no name of a tokenizer file'):
            open_model(tmp_path / 'x.pth')
