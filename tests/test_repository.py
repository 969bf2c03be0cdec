"""The files around the code: citation, hooks, forms, continuous integration and images agree with what is installed."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / '.github/workflows').glob('*.yml'))
FORMS = sorted((ROOT / '.github/ISSUE_TEMPLATE').glob('[!c]*.yml'))  # config.yml is none
TARGETS = set(re.search(r'^\.PHONY: (.+)$', (ROOT / 'Makefile').read_text(), re.MULTILINE)[1].split())


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def pinned(package, constraints='constraints.txt'):
    """The version of a package that every supported Python gets."""
    return re.search(rf'^{package}==(\S+)', read(f'requirements/{constraints}'), re.MULTILINE)[1]


def oldest_python():
    return re.search(r"python_requires='>=(.+?)'", read('setup.py'))[1]


def as_numbers(version):
    return tuple(map(int, version.split('.')))


@pytest.mark.parametrize(
    'name',
    [
        '.pre-commit-config.yaml',
        'CITATION.cff',
        *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / '.github').rglob('*.yml'))),
    ],
)
def test_yaml_is_a_mapping(name):
    assert isinstance(yaml.safe_load(read(name)), dict)


def test_the_citation_has_version_and_license_of_the_package():
    citation = yaml.safe_load(read('CITATION.cff'))
    assert citation['version'] == re.search(r"__version__ = '(.+)'", read('mmvg/version.py'))[1]
    assert f"license='{citation['license']}'" in read('setup.py')
    assert {'cff-version', 'message', 'title', 'authors'} <= set(citation)  # what the format requires


def test_hooks_run_the_ruff_that_make_lint_runs():
    hooks = [hook for repo in yaml.safe_load(read('.pre-commit-config.yaml'))['repos'] for hook in repo['hooks']]
    assert [hook['entry'].split()[:2] for hook in hooks] == [['ruff', 'check'], ['ruff', 'format']]
    for hook in hooks:
        assert hook['additional_dependencies'] == [f'ruff=={pinned("ruff")}']


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.stem)
def test_a_form_asks_what_the_host_can_show(path):
    form = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert {'name', 'description', 'body'} <= set(form)
    fields = [field for field in form['body'] if field['type'] != 'markdown']
    assert len({field['id'] for field in fields}) == len(fields)
    for field in fields:
        assert field['type'] in ('input', 'textarea', 'dropdown', 'checkboxes')
        assert field['attributes']['label']
        assert ('options' in field['attributes']) == (field['type'] in ('dropdown', 'checkboxes'))


@pytest.mark.parametrize('name', ['Dockerfile', *(path.relative_to(ROOT).as_posix() for path in WORKFLOWS)])
def test_every_target_that_is_made_is_one_of_the_makefile(name):
    made = set(re.findall(r'(?:RUN|run:) make ([\w-]+)', read(name)))
    assert made
    assert made <= TARGETS


def test_continuous_integration_tests_from_the_oldest_python_on():
    jobs = yaml.safe_load(read('.github/workflows/ci.yml'))['jobs']
    versions = jobs['tests']['strategy']['matrix']['python-version']
    assert all(isinstance(version, str) for version in versions)  # 3.10 without quotes is 3.1
    assert versions == [f'3.{minor}' for minor in range(as_numbers(oldest_python())[1], 14)]
    for job in jobs.values():
        (setup,) = (step for step in job['steps'] if 'setup-python' in step.get('uses', ''))
        assert setup['with']['python-version'] in [*versions, '${{ matrix.python-version }}']


def stages():
    """Name -> (image, instructions) of the stages of the Dockerfile, in order; arguments are filled in."""
    text = re.sub(r'\\\n', ' ', read('Dockerfile'))
    for name, value in re.findall(r'^ARG (\w+)=(\S+)$', text, re.MULTILINE):
        text = text.replace(f'${{{name}}}', value)
    found = re.findall(r'^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM|\Z)', text, re.DOTALL | re.MULTILINE)
    return {name: (image, body) for image, name, body in found}


def test_the_default_image_compiles_nothing_and_holds_no_compiler():
    name, (image, body) = list(stages().items())[-1]
    assert name == 'cpu'
    assert re.search('apt-get install (.+?)&&', body)[1].split() == ['--yes', '--no-install-recommends', 'make']
    assert 'RUN make install OPS=0' in body
    version = re.fullmatch(r'python:([\d.]+)-slim', image)[1]  # slim images come without gcc
    assert as_numbers(version) >= as_numbers(oldest_python())


def test_the_cuda_image_has_the_cuda_that_torch_is_built_for():
    image, body = stages()['cuda']
    version = re.fullmatch(r'nvidia/cuda:([\d.]+)-devel-ubuntu24\.04', image)[1]
    assert as_numbers(version)[:2] == as_numbers(pinned('cuda-toolkit', 'constraints-ops.txt'))[:2]
    assert 'RUN make install OPS=1' in body


def test_an_image_takes_nothing_that_git_ignores():
    def patterns(name):
        lines = filter(None, (line.strip() for line in read(name).splitlines() if not line.startswith('#')))
        return {line.replace('!/', '!').removeprefix('**/').strip('/') for line in lines}

    assert patterns('.gitignore') <= patterns('.dockerignore')


def test_the_documents_name_files_that_are_there():
    for name in ('.github/pull_request_template.md', *(path.relative_to(ROOT).as_posix() for path in FORMS)):
        for file in re.findall(r'\b(?:docs/)?[\w]+\.md\b', read(name)):
            assert (ROOT / file).is_file(), f'{name}: {file}'
