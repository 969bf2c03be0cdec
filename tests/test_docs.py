"""README.md, CONTRIBUTING.md, SECURITY.md, docs/*.md: every block and every command is run, or says what it needs.

Python blocks run as a script; one with ``title="path"`` is written to that file. Bash blocks run command by command.
A comment ``# needs X`` after a command, or ``<!-- needs X -->`` before a block, says what is missing here: then flags,
files and configs are checked instead, and so is the need (``NEEDS``). ``<!-- fails -->`` before a block: its last
command ends with an error, whose message is in the text block that follows. ``<!-- prints -->`` before a text block:
the last command printed it. There, ``...`` stands for anything. Blocks of other languages are not run.

Commands of Python run in forks of this process, which has imported torch already: minutes become seconds.
"""

import functools
import gc
import importlib
import itertools
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from yapf.yapflib import yapf_api

from mmvg.apis import GroundingInferencer, load_config
from mmvg.cli.app import find_command
from mmvg.cli.arguments import normalise, parse_options
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / f'{name}.md' for name in ('README', 'CONTRIBUTING', 'SECURITY')),
    *sorted((ROOT / 'docs').glob('*.md')),
]
READMES = [ROOT / 'data/README.md', *sorted(ROOT.glob('configs/*/README.md'))]
CHECKPOINT = 'work_dirs/instancevg_refshapes/iter_1470.pth'
PICTURE = 'data/refshapes/images/train2014/COCO_train2014_000000104009.jpg'
BLOCK = re.compile(
    r'^(?:<!-- (?P<marker>[^\n]*) -->\n)?```(?P<info>[^\n]*)\n(?P<code>.*?)^```$', re.DOTALL | re.MULTILINE
)
LANGUAGES = {'bash', 'python', 'text', 'json', 'bibtex'}
SHELL_ONLY = re.compile(r'[|<>;&`]|\$\(')


@dataclass
class Block:
    """A fenced block: the marker before it, its language, the file it is to be written to, code, and line number."""

    page: Path
    marker: str
    language: str
    title: str | None
    code: str
    line: int

    def commands(self, start: str = '') -> Iterator['Command']:
        """The commands of a bash block that start so, with lines that end in a backslash joined."""
        for line in filter(re.compile(start).match, re.sub(r'\\\n', ' ', self.code).splitlines()):
            words = shlex.split(line, comments=True)
            if words:
                comment = re.search(r'#\s.*?\bneeds (.+)$', line)
                block = re.fullmatch(r'needs (.+)', self.marker)
                needs = (comment or block or [None, None])[1]
                yield Command(line, words, needs and re.split('[,;]', needs)[0].strip())


@dataclass
class Command:
    """One command: the line, its words, and what it needs that is not here."""

    line: str
    words: list[str]
    needs: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        while re.fullmatch(r'[A-Z_]+=\S*', self.words[0]):
            name, value = self.words.pop(0).split('=', 1)
            self.environment[name] = value


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding='utf-8')
    found = []
    for match in BLOCK.finditer(text):
        language, _, rest = match['info'].partition(' ')
        title = re.fullmatch(r'title="(.+)"', rest)
        assert title or not rest, f'{page.name}: ```{match["info"]}: only title="path" may follow the language'
        line = text.count('\n', 0, match.start()) + 1
        found.append(Block(page, match['marker'] or '', language, title and title[1], match['code'], line))
    assert len(re.findall('^ *```', text, re.MULTILINE)) == 2 * len(found), f'{page.name}: a fence is not at column 0'
    return found


# Running


@pytest.fixture(scope='module')
def after_demo(tmp_path_factory, refshapes_tiny):
    """What `make train` leaves, in small: a tiny RefShapes, and a checkpoint that has learned nothing."""
    folder = tmp_path_factory.mktemp('after_demo')
    shutil.copytree(refshapes_tiny, folder / 'data/refshapes')
    first = min((folder / PICTURE).parent.iterdir())
    shutil.copy(first, folder / PICTURE)
    cfg = load_config(str(ROOT / 'configs/instancevg/refshapes.py'))
    model = MODELS.build(cfg.model)
    (folder / CHECKPOINT).parent.mkdir(parents=True)
    torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()), folder / CHECKPOINT)
    for module in ('mmvg.apis.rescore', 'mmvg.engine.runner', 'mmdet.engine', 'matplotlib.pyplot', 'setuptools'):
        importlib.import_module(module)  # once, not in every fork
    return folder


@pytest.fixture
def place(after_demo, tmp_path):
    """A clone of one's own: a copy of the code outside the package, and of what `make train` leaves."""
    for name in ('configs', 'tools', 'demo'):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('Makefile', 'requirements', 'docs'):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ('data', 'work_dirs'):
        shutil.copytree(after_demo / name, tmp_path / name, copy_function=os.link)
    shutil.copytree(tmp_path / 'data/refshapes', tmp_path / 'data/refshapes_tiny', copy_function=os.link)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page, place):
    if simulates(page.read_text(encoding='utf-8')) and not renders():
        pytest.skip('this page needs mmvg[sim] and a renderer: EGL or OSMesa')
    run_page(page, place)
    PROMISES.get(page.name, lambda place: None)(place)


def renders() -> bool:
    """Whether tables can be rendered here."""
    code = "from mmvg.simulation import draw_table; draw_table(0, layout='isolated').view"
    return run_fresh([sys.executable, '-c', code], ROOT)[1] == 0


MISTAKES = {
    'a command that fails': '```bash\nls nowhere\n```',
    'code that fails': '```python\nimport mmvg.nothing\n```',
    'an error that does not come': '<!-- fails -->\n```bash\ntrue\n```\n```text\nError\n```',
    'an error with another message': '<!-- fails -->\n```bash\nls nowhere\n```\n```text\nout of memory\n```',
    'an error without its message': '<!-- fails -->\n```bash\nls nowhere\n```',
    'text that is not printed': '```bash\necho one\n```\n<!-- prints -->\n```text\ntwo\n```',
    'an unknown need': '```bash\npython tools/train.py CONFIG  # needs patience\n```',
    'a need that is not there': '```bash\npython tools/data.py check data/refshapes  # needs data/\n```',
    'a flag that does not exist': '```bash\npython tools/train.py CONFIG --fast  # needs your files\n```',
    'a config that does not exist': '```bash\npython tools/train.py configs/lost.py  # needs minutes\n```',
    'a wrong option': '```bash\nmmvg train configs/instancevg/tiny.py --cfg-options a=1  # needs minutes\n```',
    'a tool that does not exist': '```bash\npython tools/trian.py SRC  # needs your files\n```',
    'a target that does not exist': '```bash\nmake dinner  # needs minutes\n```',
    'a file that nothing uses': '```python title="mine/lost.py"\n```',
    'a language that is not known': '```\nls\n```',
    'a fence that is not at the edge': '- a list\n\n  ```bash\n  ls\n  ```',
}


@pytest.mark.parametrize('name', MISTAKES)
def test_a_mistake_in_a_page_is_noticed(name, place):
    (place / 'page.md').write_text(f'# {name}\n\n{MISTAKES[name]}\n')
    with pytest.raises((AssertionError, pytest.fail.Exception, subprocess.CalledProcessError, OSError, ValueError)):
        run_page(place / 'page.md', place)


def run_page(page: Path, place: Path) -> None:
    """Run or check all blocks of a page, in order, in ``place``."""
    output, status, written = '', 0, []
    for block in blocks_of(page):
        where = f'{page.name}:{block.line}'
        assert block.language in LANGUAGES, f'{where}: ```{block.language} is none of {sorted(LANGUAGES)}'
        written = [title for title in written if not mentions(block.code, title)]
        if block.title:
            (place / block.title).parent.mkdir(parents=True, exist_ok=True)
            (place / block.title).write_text(block.code, encoding='utf-8')
            written.append(block.title)
        elif block.language == 'python':
            if simulates(block.code):
                output, status = run_fresh([sys.executable, '-c', block.code], place)
            else:
                output, status = run(lambda code=block.code: run_code(code), place)
            assert status == 0, f'{where}\n{output[-4000:]}'
        elif block.language == 'bash':
            for command in block.commands():
                assert block.marker != 'fails' or status == 0, f'{where}: only the last command may fail\n{output}'
                if command.needs:
                    check_need(command, place)
                    continue
                output, status = run_command(command, place)
                assert block.marker == 'fails' or status == 0, f'{where}: {command.line}\n{output[-4000:]}'
            if block.marker == 'fails':
                assert status != 0, f'{where} should fail, but printed\n{output[-4000:]}'
                assert 'Traceback' not in output, output
        elif block.language == 'text' and (block.marker == 'prints' or status):
            assert_printed(block.code, output, where)
            status = 0
    assert status == 0, f'{page.name}: the message of the last error is not shown'
    assert not written, f'{page.name}: written and never used: {written}'


def mentions(code: str, title: str) -> bool:
    """Whether code runs or imports the file."""
    return title in code or title.removesuffix('.py').replace('/', '.') in code


def promises_of_custom_data(place: Path) -> None:
    assert len(list((place / 'work_dirs/custom_mine/answers').iterdir())) == 1
    assert (place / 'work_dirs/custom_mine/browse/browse.png').is_file()
    assert len((place / 'data/mine/again.jsonl').read_text().splitlines()) == 16


def promises_of_inference(place: Path) -> None:
    saved = json.loads((place / 'answers/answers.json').read_text())
    record, file = (
        json.loads(block.code) for block in blocks_of(ROOT / 'docs/inference.md') if block.language == 'json'
    )
    assert list(saved) == list(file)
    assert [list(answer) for answer in saved['predictions']] == [list(file['predictions'][0])] * 2
    assert [answer['image'] for answer in saved['predictions']] == [file['predictions'][0]['image']] * 2
    assert set(saved['predictions'][0]['candidates']) <= set(file['predictions'][0]['candidates'])
    with pytest.MonkeyPatch.context() as monkey:
        monkey.chdir(place)
        find = GroundingInferencer(CHECKPOINT, device='cpu')
        assert [list(answer) for answer in find(PICTURE, 'the red ring')['predictions']] == [list(record[0])]
    assert len(list((place / 'answers').glob('*.png'))) == 2
    assert (place / 'answers/film.mp4').stat().st_size > 1000
    lines = [(place / f'answers/{name}.jsonl').read_text().splitlines() for name in ('film', 'every_fourth')]
    assert [len(found) for found in lines] == [24, 3]
    assert set(json.loads(lines[0][0])) == set(record[0]) - {'image'} | {'frame_number', 'seconds'}


def promises_of_get_started(place: Path) -> None:
    for name in ('browse/browse.png', 'analysis/worst.png', 'two/browse.png'):
        assert (place / 'work_dirs/instancevg_tiny' / name).is_file()


#: Page -> what must be there after it.
PROMISES = {
    'custom_data.md': promises_of_custom_data,
    'inference.md': promises_of_inference,
    'get_started.md': promises_of_get_started,
}


@pytest.mark.parametrize('page', ['new_backbone.md', 'new_dataset.md', 'new_fusion.md', 'new_head.md', 'new_metric.md'])
def test_a_new_part_takes_less_than_40_lines(page):
    parts = [block for block in blocks_of(ROOT / 'docs' / page) if block.title and block.title.startswith('mine/')]
    assert len(parts) == 2  # the part and its test
    for block in parts:
        assert len(block.code.splitlines()) < 40, block.title


def assert_printed(expected: str, output: str, where: str) -> None:
    """Every piece between ``...`` is in the output, in order; runs of blanks and line breaks count as one blank."""
    printed, position = ' '.join(output.split()), 0
    for piece in filter(None, map(str.strip, ' '.join(expected.split()).split('...'))):
        found = printed.find(piece, position)
        for line in expected.splitlines():  # lines of a log begin with date and level, which no page shows
            if found < 0 and (line := ' '.join(line.split('...')[0].split())) in piece:
                assert line in printed, f'{where}: {line!r} was not printed\n{output[-4000:]}'
        position = max(position, found)


def run_command(command: Command, place: Path) -> tuple[str, int]:
    """Output and exit code of a command."""
    words = command.words
    if words == ['source', '.venv/bin/activate']:
        return '', 0  # these tests run in it
    in_shell = SHELL_ONLY.search(re.sub(r'"[^"]*"|#.*', '', command.line))
    if words[0] in ('python', 'mmvg') and not in_shell and not simulates(command.line):
        return run(lambda: run_python(words), place, command.environment)
    return run_fresh(['bash', '-euo', 'pipefail', '-c', command.line], place)


def simulates(code: str) -> bool:
    """Whether code or a command renders tables, for which OpenGL needs a process that is no fork."""
    return any(name in code for name in ('mmvg.simulation', 'mmvg data scenes', 'mmvg pick'))


def run_fresh(command: list[str], place: Path) -> tuple[str, int]:
    """Output and exit code of a command in a process that has imported nothing."""
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    done = subprocess.run(
        command, cwd=place, env=dict(os.environ, PATH=path), capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr, done.returncode


def run_python(words: list[str]) -> None:
    """What ``python FILE ...``, ``python -m MODULE ...`` and ``mmvg ...`` do."""
    if words[0] == 'mmvg':
        from mmvg.cli import main

        main(words[1:])
    elif words[1] == '-m':
        sys.argv = words[2:]
        runpy.run_module(words[2], run_name='__main__', alter_sys=True)
    else:
        sys.argv = words[1:]
        sys.path.insert(0, str(Path(words[1]).parent.resolve()))
        runpy.run_path(words[1], run_name='__main__')


def run_code(code: str) -> None:
    exec(compile(code, 'block', 'exec'), {'__name__': '__main__'})


def run(call: Callable[[], None], place: Path, environment: dict[str, str] | None = None) -> tuple[str, int]:
    """Output and exit code of ``call`` in a fork of this process, on the CPU."""
    log = place / 'output.log'
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with log.open('w') as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, 'w', buffering=1), os.fdopen(2, 'w', buffering=1)
                signal.alarm(120)
                torch.set_num_threads(1)
                yapf_api.FormatCode = lambda code, **_: (code, True)  # MMEngine's layout of saved configs takes seconds
                gc.freeze()  # or each collection looks at all that was imported
                torch.cuda.is_available = lambda: False  # a fork cannot use CUDA
                os.chdir(place)
                os.environ.update(environment or {})
                paths = (environment or {}).get('PYTHONPATH', '').split(':')
                sys.path[:0] = [str(place / path) for path in paths if path]
                for singletons in (MMLogger, MessageHub, DefaultScope):
                    singletons._instance_dict.clear()  # this process has made some, which write where it writes
                try:
                    call()
                    status = 0
                except SystemExit as end:
                    status = end.code if isinstance(end.code, int) else int(end.code is not None)
                except BaseException:
                    traceback.print_exc()
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            os._exit(status)
    return_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return log.read_text(errors='replace'), return_code


# Checking what is not run


def read_arguments(command: list[str], arguments: list[str]) -> dict:
    """What a command makes of its arguments; wrong ones fail the test."""
    found, rest = find_command([*command, *normalise(arguments)])
    try:
        return found.make_context(' '.join(command), rest).params
    except Exception as error:  # Typer has a Click of its own, whose errors have no public name
        pytest.fail(f'mmvg {" ".join(command)} does not take {arguments}: {error}')


def command_of(script: str) -> list[str] | None:
    """The command behind a script of this repository, or None if it is no door to one."""
    assert (ROOT / script).is_file(), f'there is no {script}'
    match = re.search(r'run_script\((.*)\)', (ROOT / script).read_text(encoding='utf-8'))
    return re.findall(r"'([\w ]+)'", match[1]) if match else None


def split_command(words: list[str]) -> tuple[list[str], list[str]] | None:
    """Command of mmvg and arguments, if the words start one."""
    if words[0] in ('python', '.venv/bin/python', 'python3') and words[1:] and words[1].endswith('.py'):
        command = command_of(words[1])
        return None if command is None else (command, words[2:])
    if words[0] == 'mmvg':
        return [], words[1:]
    tool = re.fullmatch(r'tools/(dist|slurm)_(train|test)\.sh', words[0])
    if tool:
        subprocess.run(['bash', '-n', ROOT / words[0]], check=True)
        rest = words[1:] if tool[1] == 'dist' else words[3:]  # slurm: PARTITION JOB CONFIG ...
        if tool[1] == 'dist':  # CONFIG GPUS ..., or CONFIG CHECKPOINT GPUS ...
            assert rest.pop(1 if tool[2] == 'train' else 2).isdigit(), words
        if tool[0] == 'tools/slurm_train.sh':  # CONFIG WORK_DIR ...
            rest.insert(1, '--work-dir')
        return [tool[2]], rest
    return None


def check_command(command: Command) -> None:
    """Tool, flags, files and config of a command that is not run are there; the model of the config is built."""
    words = command.words
    if words[0] == 'make':
        subprocess.run(['make', '-n', *words[1:]], cwd=ROOT, check=True, capture_output=True)
        return
    for option, name in itertools.pairwise(words):
        if option in ('-r', '--constraints', '--overrides') and '--ros-args' not in words:
            assert (ROOT / name).is_file(), name
    if (tool := split_command(words)) is None:
        return
    arguments = read_arguments(*tool)
    config = arguments.get('config')
    if config and not is_placeholder(config) and config.endswith('.py'):
        build(config, json.dumps(parse_options(arguments.get('cfg_options'))))


@functools.cache
def build(config: str, options: str) -> Config:
    """Check a config with its options (as JSON), and build its model without memory."""
    with pytest.MonkeyPatch.context() as monkey:
        monkey.chdir(ROOT)
        cfg = load_config(config, json.loads(options))
    with torch.device('meta'):
        MODELS.build(cfg.model)
    return cfg


def is_placeholder(word: str) -> bool:
    return re.fullmatch(r'[A-Z_]+', word) is not None


def missing_files(words: list[str], place: Path) -> list[str]:
    """Words that look like a path below ``data`` or ``work_dirs`` and lead nowhere."""
    return [word for word in words if word.startswith(('data/', 'work_dirs/')) and not (place / word).exists()]


def reads_missing_data(words: list[str], place: Path) -> bool:
    """Whether the data of a config among the words is not there."""
    for word in words:
        if word.endswith('.py') and word.startswith('configs/'):
            dataset = build(word, 'null').test_dataloader.dataset
            while 'datasets' in dataset:
                dataset = dataset.datasets[0]
            root = dataset.get('data_root', 'data')
            return root == 'data' or not (place / root).exists()
    return bool(missing_files(words, place))


#: What a command may need -> whether it does.
NEEDS: dict[str, Callable[[list[str], Path], bool]] = {
    'data/': reads_missing_data,
    'weights': lambda words, place: bool(missing_files(words, place)),
    'a GPU': lambda words, place: '--amp' in words or 'benchmarks/gpu.sh' in words,
    'two GPUs': lambda words, place: 'tools/dist_' in words[0] and '2' in words[2:4],
    'ROS': lambda words, place: 'tools/ros/grounding_node.py' in words,
    'slurm': lambda words, place: 'slurm_' in words[0],
    'minutes': lambda words, place: (
        words[0] == 'make'
        or bool({'small', 'full', '--benchmark'} & set(words))
        or 'train' in words[1]
        or 'benchmarks/export.py' in words
    ),
    'the network': lambda words, place: (
        bool({'pip', 'venv', 'clone', 'hf'} & set(words)) or '/pip' in ' '.join(words) or words[-1] == 'tests'
    ),  # the tests of the environment that the lines before have made
    'a browser': lambda words, place: bool({'demo/web_demo.py', 'web', 'serve'} & set(words)),
    'a server that goes on': lambda words, place: bool(
        {'serve', 'curl', 'ask_server'} & set(words)
    ),  # tests/serving runs them
    'a cluster': lambda words, place: words[-2:] == ['--ray', 'auto'],
    'Docker': lambda words, place: words[0] == 'docker',
    'a camera': lambda words, place: any(word.isdigit() for word in words),
    'your files': lambda words, place: any(map(is_placeholder, words)) or any('/mine/' in word for word in words),
}


def check_need(command: Command, place: Path) -> None:
    """The need is a known one, the command has it, and everything else about it is right."""
    assert command.needs in NEEDS, f'{command.line}: needs {command.needs!r}, which is none of {list(NEEDS)}'
    assert NEEDS[command.needs](command.words, place), f'{command.line}: does not need {command.needs}: let it run'
    check_command(command)


@pytest.mark.parametrize('page', READMES, ids=lambda page: f'{page.parent.name}')
def test_the_commands_of_a_readme_are_right(page):
    """These READMEs are about data and weights that are not here: nothing is run."""
    for block in blocks_of(page):
        if block.language in ('', 'bash'):
            for command in block.commands('(python|mmvg|make|tools/|demo/)'):
                check_command(command)


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    """The built site; a warning is an error."""
    pytest.importorskip('properdocs')
    pytest.importorskip('material')
    pytest.importorskip('mkdocstrings')
    folder = tmp_path_factory.mktemp('site')
    done = subprocess.run(
        [sys.executable, '-m', 'properdocs', 'build', '--strict', '--site-dir', str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_lists_every_paper_and_config(site):
    zoo = (site / 'model_zoo.html').read_text()
    for paper in ROOT.glob('configs/*/metafile.yml'):
        assert f'papers/{paper.parent.name}.html' in zoo, f'{paper} is not in the model zoo'
    configs = (site / 'configs.html').read_text()
    for config in ROOT.glob('configs/[!_]*/*.py'):
        assert config.relative_to(ROOT / 'configs').as_posix() in configs


def test_a_page_of_the_api_shows_what_the_package_exports(site):
    import mmvg.models.heads as heads

    page = (site / 'api' / 'mmvg.models.heads.html').read_text()
    for name in heads.__all__:
        assert f'id="mmvg.models.heads.{name}"' in page, name
    assert '<span class="gp">&gt;&gt;&gt; </span>' in page, 'no example is shown as code'
    assert ':class:`' not in page


def test_the_pages_of_the_site_fetch_nothing(site):
    loaded = re.compile(r'<(?:script|img|iframe|source|video)[^>]*\bsrc="?(https?:)?//|<link[^>]*\bhref="?(https?:)?//')
    for page in site.rglob('*.html'):
        for match in loaded.finditer(page.read_text(encoding='utf-8')):
            assert 'rel="canonical"' in match[0], f'{page.relative_to(site)} loads {match[0]}'
