"""The console script ``mmvg``: the tools of the repository under one name."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mmvg.version import __version__

ROOT = Path(__file__).resolve().parents[1]

#: Command -> script and what it does. Of ``OWN_WORDS`` the script reads the second word itself.
COMMANDS = {
    'train': ('tools/train.py', 'train a model: mmvg train CONFIG'),
    'test': ('tools/test.py', 'score a checkpoint: mmvg test CONFIG CHECKPOINT'),
    'demo': ('demo/image_demo.py', 'ask sentences about pictures: mmvg demo IMAGE "the red mug" --checkpoint FILE'),
    'demo video': (
        'demo/video_demo.py',
        'ask sentences about a film or a camera: mmvg demo video FILM "the red mug" ...',
    ),
    'demo web': ('demo/web_demo.py', 'start a page in the browser: upload a picture, type sentences'),
    'score': ('tools/analysis_tools/eval_metric.py', 'score a file of predictions: mmvg score CONFIG preds.json'),
    'analyze': ('tools/analysis_tools/analyze_results.py', 'show the best and the worst answers of such a file'),
    'data check': ('tools/data.py', 'find everything that is wrong with data: mmvg data check FOLDER'),
    'data convert': ('tools/data.py', 'to JSON lines, and from JSON lines to the files of gRefCOCO'),
    'data pack': ('tools/data.py', 'PhraseCut into one LMDB file: mmvg data pack FOLDER --split train'),
    'data draw': ('tools/dataset_converters/refshapes.py', 'write RefShapes, the drawn data set'),
    'data browse': ('tools/analysis_tools/browse_dataset.py', 'draw what the pipeline of a config delivers'),
    'flops': ('tools/analysis_tools/get_flops.py', 'parameters and multiply-adds of a config'),
    'models': (None, 'list the models of the index; mmvg models WORD: those whose name has it'),
}
OWN_WORDS = ('data check', 'data convert', 'data pack')


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; ``argv`` stands in for the command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (['--version'], ['-V']):
        print(f'mmvg {__version__}')
        return
    if not words or words[0] in ('-h', '--help', 'help'):
        print(usage())
        return
    name = find_command(words)
    if name is None:
        print(f'mmvg: there is no command {" ".join(words[:2])!r}\n\n{usage()}', file=sys.stderr)
        sys.exit(2)
    arguments = words[len(name.split()) :]
    if name == 'models':
        print_models(arguments)
        return
    script = ROOT / COMMANDS[name][0]
    if not script.is_file():
        print(
            f'mmvg {name}: {script} is missing; the command needs a clone, installed with --editable', file=sys.stderr
        )
        sys.exit(2)
    if name in OWN_WORDS:
        name, word = name.split()
        arguments = [word, *arguments]
    sys.argv = [f'mmvg {name}', *arguments]
    # as runpy.run_path does, but that would put the path of the script into the help
    exec(compile(script.read_text(encoding='utf-8'), script, 'exec'), {'__name__': '__main__', '__file__': str(script)})


def find_command(words: Sequence[str]) -> str | None:
    """The longest command that ``words`` begin with: ``demo video`` before ``demo``."""
    found = [name for name in COMMANDS if name.split() == list(words[: len(name.split())])]
    return max(found, key=lambda name: len(name.split()), default=None)


def usage() -> str:
    """What ``mmvg --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {what}' for name, (_, what) in COMMANDS.items()]
    return '\n'.join(
        ['usage: mmvg COMMAND [arguments]', '', *lines, '', 'mmvg COMMAND --help says what each flag does.']
    )


def print_models(words: Sequence[str]) -> None:
    """Print name, config and best-known results of each model."""
    if '-h' in words or '--help' in words:
        print('usage: mmvg models [WORD]\n\n' + COMMANDS['models'][1])
        return

    from mmvg.apis.model_index import model_index

    for name, entry in model_index().items():
        if all(word in name for word in words):
            print(f'{name}  {entry["Config"]}')
            for result in entry.get('Results', []):
                scores = ', '.join(f'{key} {value}' for key, value in result['Metrics'].items())
                print(f'    {result["Dataset"]} ({result["Source"]}): {scores}')
