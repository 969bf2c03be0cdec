"""Hook of ProperDocs: bring the pages outside ``docs/`` onto the site, fill in tables, and rewrite the links.

Pages link to each other and to code as the repository lays them out, so that they work there too. On the site a link to
a README becomes one to its page, and a link to any other file of the repository one to a page that shows the file.
"""

import posixpath
import re
from pathlib import Path

from model_zoo import config_list, read_metafiles, zoo_by_data, zoo_by_paper  # of this folder
from properdocs.config.defaults import ProperDocsConfig
from properdocs.exceptions import PluginError
from properdocs.structure.files import File, Files
from properdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {'.py': 'python', '.sh': 'bash', '.yml': 'yaml', '.yaml': 'yaml', '.toml': 'toml', '.json': 'json'}
#: Files that are shown as they are, and not as text.
PICTURES = {'.png', '.jpg', '.jpeg', '.gif', '.svg', '.webp', '.mp4', '.pdf'}
#: Marker in a page -> what is put in its place.
TABLES = {
    '<!-- table: models by paper -->': lambda: zoo_by_paper(read_metafiles()),
    '<!-- table: models by data set -->': lambda: zoo_by_data(read_metafiles()),
    '<!-- table: configs -->': config_list,
}
_FENCE = re.compile(r'^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$', re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'(?<=\]\()(?!\w+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=[)\s])')


def outside_pages() -> dict[str, str]:
    """Return path in the repository -> page of the site, of the Markdown files outside ``docs/``."""
    papers = sorted(ROOT.glob('configs/*/README.md'))
    return {
        'CONTRIBUTING.md': 'contributing.md',
        'CHANGELOG.md': 'changelog.md',
        'SECURITY.md': 'security.md',
        'data/README.md': 'data.md',
        **{path.relative_to(ROOT).as_posix(): f'papers/{path.parent.name}.md' for path in papers},
    }


def api_pages() -> dict[str, str]:
    """Return package -> page of the site, of every package below mmvg that exports something, in alphabetical order."""
    exporting = (path for path in ROOT.glob('mmvg/*/**/__init__.py') if '__all__' in path.read_text(encoding='utf-8'))
    packages = sorted('.'.join(path.relative_to(ROOT).parent.parts) for path in exporting)
    return {package: f'api/{package}.md' for package in packages}


def on_config(config: ProperDocsConfig) -> ProperDocsConfig:
    """Add the READMEs of the papers, and pages that nobody has listed, to the navigation."""
    sections = {name: pages for entry in config.nav for name, pages in entry.items() if isinstance(pages, list)}
    sections['Python API'] += [{package: page} for package, page in api_pages().items()]
    sections['Models'] += [page for page in outside_pages().values() if page.startswith('papers/')]
    listed = set(re.findall(r"'([^']+\.md)'", repr(config.nav)))
    sections['More'] += sorted({path.name for path in (ROOT / 'docs').glob('*.md')} - listed)
    return config


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """Add the pages from outside ``docs/``, and one for every file of the repository that a page links to."""
    for origin, uri in outside_pages().items():
        files.append(File.generated(config, uri, content=(ROOT / origin).read_text(encoding='utf-8')))
    for package, uri in api_pages().items():
        files.append(File.generated(config, uri, content=f'# {package}\n\n::: {package}\n'))
    linked = set()
    for file in files.documentation_pages():
        origin = _origin(file.src_uri)
        for target, _ in _LINK.findall(_FENCE.sub('', fill_in(file.content_string))):
            linked.add(posixpath.normpath(posixpath.join(posixpath.dirname(origin), target)))
    for path in sorted(linked):
        uri = _site_uri(path)
        if uri.startswith('source/') and (ROOT / path).is_file():
            content = source_page(path) if uri.endswith('.md') else (ROOT / path).read_bytes()
            files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: ProperDocsConfig, files: Files) -> str:
    """Fill in the tables and point the links of a page to pages of the site."""
    if page.file.src_uri.startswith(('source/', 'api/')):
        return markdown
    return rewrite_links(fill_in(markdown), page.file.src_uri)


def fill_in(markdown: str) -> str:
    """Put the generated tables in the places of their markers."""
    for marker, table in TABLES.items():
        if marker in markdown:
            markdown = markdown.replace(marker, table())
    return markdown


def rewrite_links(markdown: str, src_uri: str) -> str:
    """Turn the links of a page, which follow the layout of the repository, into links within the site.

    Raises:
        PluginError: If a link leads to a file that does not exist.
    """
    origin = _origin(src_uri)

    def rewrite(match: re.Match) -> str:
        target, anchor = match[1], match[2] or ''
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if not (ROOT / path).is_file():
            raise PluginError(f'{origin}: the link {target!r} leads to {path}, which is no file')
        return posixpath.relpath(_site_uri(path), posixpath.dirname(src_uri) or '.') + anchor

    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(rewrite, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return ''.join([*parts, _LINK.sub(rewrite, markdown[end:])])


def source_page(path: str) -> str:
    """Write a page that shows a file of the repository; the search leaves it out."""
    code = (ROOT / path).read_text(encoding='utf-8')
    language = LANGUAGES.get(posixpath.splitext(path)[1], 'text')
    fence = '`' * max(3, 1 + max(map(len, re.findall('`+', code)), default=0))
    return f'---\nsearch: {{exclude: true}}\n---\n# {path}\n\n{fence}{language}\n{code.rstrip()}\n{fence}\n'


def _origin(src_uri: str) -> str:
    """Return the path in the repository of a page of the site."""
    return {uri: path for path, uri in outside_pages().items()}.get(src_uri, f'docs/{src_uri}')


def _site_uri(path: str) -> str:
    """Return the page or file of the site for a path in the repository."""
    if path == 'README.md':
        return 'index.md'
    if path.startswith('docs/'):
        return path.removeprefix('docs/')
    if posixpath.splitext(path)[1].lower() in PICTURES:
        return f'source/{path}'
    return outside_pages().get(path, f'source/{path}.md')
