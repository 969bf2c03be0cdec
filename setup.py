"""Install mmvg with ``pip install -e .[train]``; ``make test`` and ``make demo`` do so with every version pinned."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Lines of ``requirements/<name>.txt`` without comments and other files."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(('#', '-'))]


version: dict[str, str] = {}
exec((ROOT / 'mmvg' / 'version.py').read_text(encoding='utf-8'), version)

# The light core needs no extra. A stack (lite, onedl or openmmlab, never two) brings the runtime; train is the first.
EXTRAS = {
    name: requirements(name)
    for name in ('docs', 'export', 'grasps', 'label', 'optional', 'ray', 'ros', 'serve', 'sim', 'tests', 'web')
}
EXTRAS |= {name: [*requirements('runtime'), *requirements(name)] for name in ('lite', 'onedl', 'openmmlab')}
EXTRAS['train'] = EXTRAS['lite']
_FOR_USERS = ('train', 'export', 'grasps', 'label', 'optional', 'ray', 'ros', 'serve', 'sim', 'web')
EXTRAS['all'] = list(dict.fromkeys(line for name in _FOR_USERS for line in EXTRAS[name]))

setup(
    name='mmvg',
    version=version['__version__'],
    description='Language-guided visual grounding on MMEngine and MMDetection: boxes, instance masks, grasps.',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['mmvg', 'mmvg.*']),
    package_data={
        'mmvg': [
            'configs/**/*.py',
            'configs/**/*.yml',
            'configs/**/*.md',
            'pretrained/*/*',
            'simulation/robot/models/*.xml',
        ]
    },
    install_requires=requirements('core'),
    entry_points={'console_scripts': ['mmvg = mmvg.cli:main']},
    extras_require=EXTRAS,
)
