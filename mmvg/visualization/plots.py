"""What all plots by matplotlib share: kinds of files, names in legends, colours."""

from pathlib import Path
from typing import TYPE_CHECKING

from mmvg.visualization.palette import INSTANCES, instance_color
from mmvg.whole_files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HATCHES = ('', '///', '...', 'xxx')


def plot_kind(file: str | Path) -> str:
    """Tell by the ending of a file which kind of picture it is to be.

    Raises:
        ValueError: If matplotlib cannot write it.

    Example:
        >>> plot_kind('bars.SVG')
        'svg'
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    kind = Path(file).suffix[1:].lower()
    if kind not in FigureCanvasAgg.get_supported_filetypes():
        raise ValueError(f'{file}: the ending of the picture says its kind, such as .png or .svg')
    return kind


def save_plot(figure: 'Figure', file: str | Path, dpi: int = 130) -> None:
    """Write a plot when it is whole.

    Raises:
        ValueError: See :func:`plot_kind`.
    """
    kind = plot_kind(file)
    with whole_file(file) as unfinished:
        figure.savefig(unfinished, format=kind, dpi=dpi)


def plain_name(name: str) -> str:
    r"""A name as a legend shows it: matplotlib leaves out what begins with ``_``, and reads formulas between dollars.

    Example:
        >>> plain_name('_base'), plain_name('a$b')
        (' _base', 'a\\$b')
    """
    name = name.replace('$', r'\$')
    return f' {name}' if name.startswith('_') else name


def bar_style(number: int) -> dict[str, object]:
    """Colour and hatch of bar ``number``, unlike those of the bars before it.

    Example:
        >>> bar_style(0)['color'] == bar_style(7)['color'], bar_style(0)['hatch'], bar_style(7)['hatch']
        (True, '', '///')
    """
    color = [part / 255 for part in instance_color(number)]
    return dict(color=color, hatch=_HATCHES[number // len(INSTANCES) % len(_HATCHES)], edgecolor='white', linewidth=0)
