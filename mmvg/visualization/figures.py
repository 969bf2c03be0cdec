"""Figures of papers: what each query found, where a model looks, and bars of scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmvg.structures import GroundingSample
from mmvg.visualization import drawing
from mmvg.visualization.layers import Layers, candidates, cells_over_image, prediction
from mmvg.visualization.palette import BLUE, DARK, LIGHT, WHITE, instance_color
from mmvg.visualization.plots import bar_style, plain_name, plot_kind, save_plot


def draw_queries(
    image: np.ndarray, sample: GroundingSample, score_thr: float | None = None, panel_size: int = 320, most: int = 10
) -> np.ndarray:
    """Draw every query of a model on a panel of its own: its point, box, mask and score.

    As Fig. 8 of InstanceVG (arXiv:2509.13747): first the answer, then where the sentence looks, with all points that
    were chosen there, then the queries, best first. Queries that are part of the answer have a blue bar.

    Args:
        image: The original (H, W, 3) RGB.
        sample: Answered, with ``pred_instances``.
        score_thr: What scores more is part of the answer; by default the threshold of the model.
        panel_size: Longer side of a panel in pixels.
        most: Queries that are drawn.

    Raises:
        ValueError: If the model has no queries.
    """
    if 'pred_instances' not in sample or 'scores' not in sample.pred_instances:
        raise ValueError('this model has no queries: it answers with one mask or with grasps')
    shape = image.shape[:2]
    answer = prediction(sample, 'original', shape, score_thr)
    queries = candidates(sample, shape)
    scaled, scale = drawing.fit(image, panel_size, panel_size)
    font_size = max(12, panel_size // 22)
    panels = [(drawing.draw_layers(scaled, answer, scale, 0.35, font_size), f'{len(answer.boxes)} found', DARK)]
    if answer.attention is not None:
        looks = drawing.draw_attention(scaled, answer.attention)
        points = Layers(points=queries.points)
        panels.append((drawing.draw_layers(looks, points, scale, 0.35, font_size), 'attention and points', DARK))
    found = _boxes_with_scores(answer)
    for index in np.argsort(-queries.scores, kind='stable')[:most]:
        part = queries.instance(int(index))
        chosen = not found.isdisjoint(_boxes_with_scores(part))
        panel = drawing.draw_layers(scaled, part, scale, 0.35, font_size)
        panels.append((panel, f'query {index + 1}: {queries.scores[index]:.2f}', BLUE if chosen else LIGHT))
    return _captioned(panels, sample, panel_size)


def _boxes_with_scores(layers: Layers) -> set[tuple[float, ...]]:
    rows = np.column_stack([layers.boxes, layers.scores])
    return {tuple(row) for row in np.round(rows, 3).tolist()}


def draw_attention_maps(
    image: np.ndarray,
    sample: GroundingSample,
    maps: Sequence[tuple[str, np.ndarray]],
    score_thr: float | None = None,
    panel_size: int = 320,
) -> np.ndarray:
    """Draw the answer, and beside it maps of attention, as Fig. 13 of LGGD (arXiv:2512.21065) and Fig. 4 of RaAM.

    Args:
        image: The original (H, W, 3) RGB.
        sample: Answered.
        maps: Title and values (h, w) over the input, from 0 to 1.
        score_thr: See :func:`draw_queries`.
        panel_size: See there.
    """
    shape = image.shape[:2]
    answer = prediction(sample, 'original', shape, score_thr)
    scaled, scale = drawing.fit(image, panel_size, panel_size)
    panels = [(drawing.draw_layers(scaled, answer, scale, 0.35, max(12, panel_size // 22)), 'answer', DARK)]
    for title, values in maps:
        panels.append(
            (drawing.draw_attention(scaled, cells_over_image(values, sample, 'original', shape)), title, DARK)
        )
    return _captioned(panels, sample, panel_size)


def _captioned(
    panels: Sequence[tuple[np.ndarray, str, tuple[int, int, int]]], sample: GroundingSample, panel_size: int
) -> np.ndarray:
    """Panels beside one another, each below its title, all below the sentence."""
    font_size, gap = max(12, panel_size // 20), max(4, panel_size // 60)
    pictures = drawing.same_width([panel for panel, _, _ in panels], round(0.6 * panel_size))
    width = pictures[0].shape[1]
    bars = [
        drawing.text_bar(title, width, font_size, WHITE if color != LIGHT else DARK, color)
        for _, title, color in panels
    ]
    picture = drawing.below([drawing.beside(drawing.same_height(bars), gap), drawing.beside(pictures, gap)])
    text = drawing.text_bar(f'“{sample.get("text", "")}”', picture.shape[1], font_size + 2, bold=True)
    return drawing.below([text, picture])


def draw_bars(
    rows: Mapping[str, Mapping[str, float]],
    file: str | Path,
    title: str = '',
    unit: str = 'percent',
    from_zero: bool = True,
) -> None:
    """Draw scores as groups of bars with their numbers, a group for each score and a colour for each row.

    Args:
        rows: Name of a row -> score -> value; a score that a row lacks is left out.
        file: The picture; its ending says which kind, such as .png or .svg.
        title: Over the bars.
        unit: Of the values.
        from_zero: Let the axis begin at 0; otherwise somewhat below the smallest value, which its label says then.

    Raises:
        ValueError: If there is nothing to draw, or the kind of picture is not known.
    """
    from matplotlib.figure import Figure

    plot_kind(file)
    scores = list(dict.fromkeys(score for row in rows.values() for score in row))
    if not scores:
        raise ValueError('there is no score to draw')
    figure = Figure(figsize=(max(4.5, 1.2 + 0.55 * len(scores) * (len(rows) + 1)), 3.6), layout='constrained')
    axes = figure.subplots()
    width = 0.8 / len(rows)
    values = [value for row in rows.values() for value in row.values()]
    base = 0.0 if from_zero else max(0.0, min(values) - max(2.0, 0.35 * (max(values) - min(values))))
    for number, (name, row) in enumerate(rows.items()):
        places = [scores.index(score) + (number - (len(rows) - 1) / 2) * width for score in row]
        bars = axes.bar(places, row.values(), width * 0.92, label=plain_name(name), **bar_style(number))
        axes.bar_label(bars, fmt='%.4g', fontsize=8, rotation=90 if len(rows) * len(scores) > 14 else 0, padding=2)
    axes.set(xticks=range(len(scores)), ylabel=unit if from_zero else f'{unit}, the axis begins at {base:.4g}')
    axes.set_xticklabels(scores)
    axes.set_ylim(base, base + 1.15 * (max(values) - base or 1.0))
    axes.set_title(title, fontsize=10)
    axes.spines[['top', 'right']].set_visible(False)
    if len(rows) > 1:
        figure.legend(loc='outside lower center', ncols=min(3, len(rows)))
    save_plot(figure, file)


def draw_distributions(groups: Mapping[str, Mapping[str, np.ndarray]], file: str | Path, label: str) -> None:
    """Draw histograms, one panel for each of ``groups``, whose values are compared within it.

    Args:
        groups: Title of a panel -> name of the values -> values (N,).
        file: The picture.
        label: Under the panels.

    Raises:
        ValueError: If the kind of picture is not known.
    """
    from matplotlib.figure import Figure

    plot_kind(file)
    everything = np.concatenate([values for group in groups.values() for values in group.values()])
    edges = np.linspace(everything.min(), everything.max() + 1e-9, 41)
    figure = Figure(figsize=(4.6 * len(groups), 3.2), layout='constrained')
    for axes, (title, group) in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups.items(), strict=True):
        for number, (name, values) in enumerate(group.items()):
            color = [part / 255 for part in instance_color(number)]
            axes.hist(values, edges, density=True, alpha=0.6, color=color, label=f'{name}, mean {values.mean():.2f}')
            axes.axvline(values.mean(), color=color, linewidth=2)
        axes.set(title=plain_name(title), xlabel=label, yticks=[])
        axes.legend(fontsize=8)
        axes.spines[['top', 'right', 'left']].set_visible(False)
    save_plot(figure, file)
