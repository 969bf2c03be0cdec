"""Pictures of what was asked, what is true and what a model answers."""

from collections.abc import Collection, Sequence

import mmcv
import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from mmvg.registry import VISUALIZERS
from mmvg.structures import GroundingSample
from mmvg.visualization import drawing
from mmvg.visualization.layers import (
    MAPS,
    OVERLAYS,
    PARTS,
    RIGHT_FROM,
    Layers,
    agreement,
    ground_truth,
    overlap,
    prediction,
)
from mmvg.visualization.palette import BLUE, DARK, VERMILLION, WHITE


@VISUALIZERS.register_module()
class GroundingVisualizer(Visualizer):
    """Draws the expression, the ground truth and the answer side by side; needs no display.

    Each instance has a colour and a number; a white line surrounds the mask of the expression, white crosses are the
    points that instances were found from; of a grasp, the jaws are thick bars and the opening is a thin line. The bar
    over the answer gives the verdict ("nothing matches", "2 found"), in blue with a tick where it agrees with the truth
    and in vermillion with a cross where it does not. What is drawn is what :class:`mmvg.structures.Answer` lists.

    Args:
        name: Name of the instance.
        vis_backends: Where :meth:`add_datasample` stores pictures: ``LocalVisBackend``, ``TensorboardVisBackend``
            (needs ``pip install tensorboard``) or ``WandbVisBackend`` (needs ``pip install wandb``), as dicts.
        save_dir: Folder of the backends.
        score_thr: What scores more than this is there; by default the threshold of the model.
        alpha: Opacity of masks, from 0 to 1.
        panel_size: Longer side of a picture in pixels; smaller images are enlarged to it, larger ones reduced.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        vis_backends: list[dict] | None = None,
        save_dir: str | None = None,
        score_thr: float | None = None,
        alpha: float = 0.35,
        panel_size: int = 480,
    ) -> None:
        super().__init__(name=name, vis_backends=vis_backends, save_dir=save_dir)
        self.score_thr = score_thr
        self.alpha = alpha
        self.panel_size = panel_size

    def draw(
        self,
        image: np.ndarray,
        sample: GroundingSample,
        frame: str = 'original',
        draw_gt: bool = True,
        draw_pred: bool = True,
        score_thr: float | None = None,
        parts: Collection[str] = (*OVERLAYS, *MAPS),
        bar_lines: int = 1,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Draw one sample.

        Args:
            image: (H, W, 3) uint8 RGB.
            sample: With a text, and annotation or prediction in either frame.
            frame: Whether ``image`` is the ``'original'`` or the ``'input'``.
            draw_gt: Draw the ground truth, if there is one.
            draw_pred: Draw the prediction, if there is one.
            score_thr: Overrides the threshold of the visualizer.
            parts: What is drawn of ``'boxes'``, ``'masks'``, ``'points'`` and ``'grasps'``; ``'attention'`` adds a
                panel with the map of ``pred_attention``, if there is one, and ``'grasp_maps'`` three with quality,
                angle and opening, if a pipeline has painted or the model has kept them
                (:class:`mmvg.models.postprocess.GraspPostprocess`).
            bar_lines: Lines that the bar over a panel has room for at least; 2 gives all frames of a film one size.
            size: Height and width of the picture that the coordinates belong to, where ``image`` is what
                :meth:`reduce` made of it.

        Returns:
            A picture (h, w, 3) uint8 RGB.

        Raises:
            ValueError: If a part is none of these.
        """
        if unknown := set(parts) - {*PARTS, *MAPS}:
            raise ValueError(f'parts are {", ".join((*PARTS, *MAPS))}, not {", ".join(sorted(unknown))}')
        height, width = size = image.shape[:2] if size is None else size
        truth, answer = self._answers(size, sample, frame, score_thr)
        scaled, _ = drawing.fit(image, self.panel_size, self.panel_size)
        scale = min(self.panel_size / width, self.panel_size / height)
        font_size = max(14, self.panel_size // 26)
        panels, bars = [], []
        if draw_gt and truth is not None:
            panels.append(drawing.draw_layers(scaled, truth.only(parts), scale, self.alpha, font_size))
            bars.append((f'truth: {_count(truth, "target")}', DARK))
        if draw_pred and answer is not None:
            panels.append(drawing.draw_layers(scaled, answer.only(parts), scale, self.alpha, font_size))
            bars.append(_verdict(truth, answer))
            if 'attention' in parts and answer.attention is not None:
                panels.append(drawing.draw_attention(scaled, answer.attention))
                bars.append(('where the sentence looks', DARK))
        for layers, shown in ((truth, draw_gt), (answer, draw_pred)):
            if shown and layers is not None and layers.grasp_maps is not None and 'grasp_maps' in parts:
                for panel, title in drawing.draw_grasp_maps(scaled, layers.grasp_maps):
                    panels.append(panel)
                    bars.append((title, DARK))
        panels = drawing.same_width(panels or [scaled], round(0.6 * self.panel_size))
        gap = max(4, self.panel_size // 80)
        picture = drawing.beside(panels, gap)
        if bars:
            width = panels[0].shape[1]
            bars = [
                drawing.text_bar(title, width, font_size, WHITE, color, min_lines=bar_lines) for title, color in bars
            ]
            picture = drawing.below([drawing.beside(drawing.same_height(bars), gap), picture])
        text = f'“{sample.get("text", "")}”'
        return drawing.below([drawing.text_bar(text, picture.shape[1], font_size + 2, bold=True), picture])

    def reduce(self, image: np.ndarray) -> np.ndarray:
        """Return as much of an image (H, W, 3) as :meth:`draw` shows of it; small ones as they are."""
        if max(image.shape[:2]) <= self.panel_size:
            return image
        return drawing.fit(image, self.panel_size, self.panel_size)[0]

    def contact_sheet(
        self,
        items: Sequence[tuple[np.ndarray, GroundingSample]],
        columns: int = 3,
        failures_first: bool = False,
        frame: str = 'original',
    ) -> np.ndarray:
        """Draw several samples on one sheet (h, w, 3) uint8 RGB.

        Args:
            items: Images (H, W, 3) uint8 RGB, each with its sample.
            columns: Samples per row.
            failures_first: Sort by how little the answer agrees with the truth.
            frame: Whether the images are the ``'original'`` or the ``'input'`` ones.

        Raises:
            ValueError: If there is nothing to draw.
        """
        if not items:
            raise ValueError('a contact sheet needs at least one sample')
        if failures_first:
            items = sorted(items, key=lambda item: self.agreement(*item, frame=frame))
        cards = [self.draw(image, sample, frame) for image, sample in items]
        return drawing.grid(cards, min(columns, len(cards)), gap=max(8, self.panel_size // 30))

    def agreement(self, image: np.ndarray, sample: GroundingSample, frame: str = 'original') -> float:
        """How right the answer is, from 0 to 1; 1 where truth or answer is unknown."""
        truth, answer = self._answers(image.shape[:2], sample, frame, None)
        return 1.0 if truth is None or answer is None else agreement(truth, answer)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: GroundingSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float | None = None,
        step: int = 0,
    ) -> None:
        """Draw a sample in original pixels, and show it, write it to ``out_file``, or hand it to the backends.

        The arguments are those of mmdet's ``DetLocalVisualizer``, so that mmdet's hooks can call it.
        """
        drawn = image
        if data_sample is not None:
            drawn = self.draw(image, data_sample, draw_gt=draw_gt, draw_pred=draw_pred, score_thr=pred_score_thr)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(drawn[..., ::-1], out_file)
        else:
            self.add_image(name, drawn, step)

    def _answers(
        self, shape: tuple[int, int], sample: GroundingSample, frame: str, score_thr: float | None
    ) -> tuple[Layers | None, Layers | None]:
        threshold = self.score_thr if score_thr is None else score_thr
        return ground_truth(sample, frame, shape), prediction(sample, frame, shape, threshold)


def _count(layers: Layers, noun: str) -> str:
    if layers.no_target:
        return f'no {noun}'
    number = len(layers.boxes) or (1 if layers.union is not None and layers.union.any() else 0)
    return f'{number} {noun}{"" if number == 1 else "s"}'


def _verdict(truth: Layers | None, answer: Layers) -> tuple[str, tuple[int, int, int]]:
    """What stands over an answer, and the colour behind it."""
    if answer.no_target:
        text = 'nothing matches'
    elif len(answer.boxes):
        text = f'{len(answer.boxes)} found'
    elif answer.grasps is not None:
        text = f'{len(answer.grasps)} grasp{"" if len(answer.grasps) == 1 else "s"}'
    else:
        text = 'found'
    if answer.target_score is not None:
        text += f', target score {answer.target_score:.2f}'
    if truth is None:
        return f'answer: {text}', DARK
    score = agreement(truth, answer)
    if not truth.no_target and not answer.no_target:
        by_grasp = truth.grasps is not None and answer.grasps is not None
        text += f', best grasp {"right" if score else "wrong"}' if by_grasp else f', IoU {overlap(truth, answer):.2f}'
    return (f'✓ {text}', BLUE) if score >= RIGHT_FROM else (f'✗ {text}', VERMILLION)
