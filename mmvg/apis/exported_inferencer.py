"""Answers from exported models, in installations without PyTorch too."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.apis.answer_records import describe_left_out
from mmvg.apis.images import ImageSource
from mmvg.apis.questions import LastImages, as_images, check_batch_size, check_expressions, pair
from mmvg.evaluation.functional import apply_temperature
from mmvg.export.answers import rule_from_data
from mmvg.export.folder import ExportError, read_manifest
from mmvg.export.placement import Placement
from mmvg.export.preparation import Preparation
from mmvg.export.runtimes import open_runtimes
from mmvg.structures import Answer, Candidates, check_threshold

_LOG = logging.getLogger('mmvg')
#: Sentences whose encoding is kept.
_KEPT_TEXTS = 64


class ExportedInferencer:
    """Finds in pictures what sentences mean, by the graphs that ``mmvg export --to`` has written.

    It answers as :class:`mmvg.apis.GroundingInferencer` does, which hands over to it where its model is such a folder.
    A picture that several sentences ask about is encoded once if it has a graph of its own, and so is a sentence.

    Args:
        model: The folder.
        backend: ``'onnxruntime'``, ``'openvino'`` or ``'torch'``; by default the one that the graphs were written for.
        device: Such as ``'cpu'`` or ``'cuda:0'``; by default the CPU.
        score_thr: What scores more than this is there; by default what the model was exported with.
        threads: How many a graph may use; None leaves it to the library.
        calibrated: Apply the temperatures that the model was exported with.
        trust_config: Open programs of PyTorch, which can run code when they are read.

    Raises:
        FileNotFoundError: If there is no such folder, or a file of it is missing.
        ExportError: If it is damaged, of another version, or not for this backend.
        ModuleNotFoundError: If the library of the backend is not installed.

    Example:
        >>> find = ExportedInferencer('exports/rings_onnx')  # doctest: +SKIP
        >>> find('scene.jpg', ['the red ring', 'both stars'])['predictions'][0]['boxes']  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str | Path,
        backend: str | None = None,
        device: str | None = None,
        score_thr: float | None = None,
        threads: int | None = None,
        calibrated: bool = True,
        trust_config: bool = False,
    ) -> None:
        self.exported = read_manifest(model)
        try:
            self.preparation = Preparation.from_data(self.exported.preparation)
            self.rule = rule_from_data(self.exported.answers)
            self.tokenizer = self.preparation.open_tokenizer(self.exported.folder)
        except (KeyError, TypeError, ValueError) as error:
            raise ExportError(f'{model}: is malformed ({error}); export the model again') from error
        self.score_thr = check_threshold(self.rule.score_thr if score_thr is None else score_thr)
        self.calibration = self.exported.calibration if calibrated else {}
        self.parts = open_runtimes(self.exported, backend, device, threads, trust_config)
        self._warned: set[str] = set()
        self._texts: dict[str, dict[str, np.ndarray]] = {}

    def __call__(
        self,
        images: ImageSource | Iterable[ImageSource],
        expressions: str | Iterable[str],
        pairs: bool = False,
        batch_size: int = 8,
        return_datasamples: bool = False,
        draw: bool = False,
        score_thr: float | None = None,
        allow_url: bool = False,
        skip_unreadable: bool = False,
    ) -> dict[str, list]:
        """Answer every expression about every image, or pair by pair.

        Args:
            images: One picture or several, as for :class:`mmvg.apis.GroundingInferencer`.
            expressions: One sentence or several.
            pairs: Ask the k-th sentence about the k-th image only.
            batch_size: Pairs that are computed together.
            return_datasamples: Return :class:`mmvg.structures.Answer` objects, with their candidates, instead of dicts;
                samples need PyTorch.
            draw: Draw each answer too; this needs PyTorch.
            score_thr: Takes the place of the inferencer's threshold.
            allow_url: Fetch images that are given as addresses.
            skip_unreadable: Leave out pictures that cannot be read, and answer about the others.

        Returns:
            ``predictions``, ``visualization`` and ``unreadable``, as :class:`mmvg.apis.GroundingInferencer` does.

        Raises:
            FileNotFoundError: If an image is not there.
            ValueError: If an image cannot be read, an expression is blank or far too long, or the numbers of images
                and expressions do not fit.
        """
        threshold = self.score_thr if score_thr is None else check_threshold(score_thr)
        check_batch_size(batch_size)
        asked = pair(as_images(images), check_expressions(expressions), pairs)
        read = LastImages(allow_url, skip_unreadable)
        results: dict[str, list] = dict(predictions=[], visualization=[])
        for start in range(0, len(asked), batch_size):
            batch = [
                (name, picture, text)
                for source, name, text in asked[start : start + batch_size]
                if (picture := read(source)) is not None
            ]
            if not batch:
                continue
            found = self.candidates([picture for _, picture, _ in batch], [text for *_, text in batch])
            for (name, picture, text), (made, left_out) in zip(batch, found, strict=True):
                answer = made.at(
                    threshold,
                    expression=text,
                    image=name,
                    size=picture.shape[:2],
                    **left_out,
                )
                results['predictions'].append(answer if return_datasamples else answer.to_record())
                if draw:
                    results['visualization'].append(draw_answer(picture, answer))
        results['unreadable'] = read.problems
        return results

    def candidates(
        self, pictures: Sequence[np.ndarray], expressions: Sequence[str]
    ) -> list[tuple[Candidates, dict[str, Any]]]:
        """Propose what each expression means in its picture (H, W, 3) uint8 BGR, in pixels of the picture.

        Returns:
            Per pair the candidates, and what the model does not get to read of the expression.
        """
        inputs, placements, left_out = self.prepare(pictures, expressions)
        outputs = self.run(inputs)
        made = [self.rule.candidates(outputs, i, placed) for i, placed in enumerate(placements)]
        for candidates in made:
            self._calibrate(candidates)
        return list(zip(made, left_out, strict=True))

    def prepare(
        self, pictures: Sequence[np.ndarray], expressions: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], list[Placement], list[dict[str, Any]]]:
        """Turn pairs into inputs.

        Returns:
            ``images`` (U, 3, H, W) of the U pictures that differ, ``image_index`` (B,), ``input_ids`` (B, L) and
            ``text_mask`` (B, L); where each picture lies in its input; and what is left out of each expression.
        """
        places: dict[int, int] = {}
        prepared = []
        for picture in pictures:  # one that is asked about again is the same object
            if id(picture) not in places:
                places[id(picture)] = len(prepared)
                prepared.append(self.preparation.picture(picture))
        index = np.array([places[id(picture)] for picture in pictures])
        texts = [self.preparation.sentence(expression, self.tokenizer) for expression in expressions]
        for expression, (*_, missing) in zip(expressions, texts, strict=True):
            self._warn_of_left_out(expression, missing)
        inputs = dict(
            images=np.stack([array for array, _ in prepared]),
            image_index=index,
            input_ids=np.stack([ids for ids, *_ in texts]),
            text_mask=np.stack([mask for _, mask, _ in texts]),
        )
        return inputs, [prepared[i][1] for i in index], [missing for *_, missing in texts]

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the graphs on what :meth:`prepare` gives; returns the raw outputs of the model by name."""
        index = inputs['image_index']
        if 'whole' in self.parts:
            return self.parts['whole'](dict(inputs, images=inputs['images'][index]))
        maps = {name: array[index] for name, array in self.parts['image'](inputs).items()}
        return self.parts['fusion']({**inputs, **maps, **self._encoded_texts(inputs)})

    def _encoded_texts(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Encode the sentences that were not asked before."""
        keys = [
            ids.tobytes() + mask.tobytes() for ids, mask in zip(inputs['input_ids'], inputs['text_mask'], strict=True)
        ]
        new = {key: row for row, key in enumerate(keys) if key not in self._texts}
        if new:
            if len(self._texts) + len(new) > _KEPT_TEXTS:
                self._texts.clear()
                new = {key: row for row, key in enumerate(keys)}
            rows = list(new.values())
            encoded = self.parts['text']({name: inputs[name][rows] for name in ('input_ids', 'text_mask')})
            for row, key in enumerate(new):
                self._texts[key] = {name: array[row] for name, array in encoded.items()}
        found = [self._texts[key] for key in keys]
        return {name: np.stack([entry[name] for entry in found]) for name in found[0]}

    def _calibrate(self, made: Candidates) -> None:
        """Divide the log-odds of scores by the temperatures; scores of grasps stay."""
        if (boxes := self.calibration.get('boxes')) is not None and made.scores is not None:
            made.scores = apply_temperature(made.scores, boxes)
        if (target := self.calibration.get('target')) is not None and made.target_score is not None:
            made.target_score = float(apply_temperature(np.float32(made.target_score), target))

    def _warn_of_left_out(self, expression: str, missing: dict[str, Any]) -> None:
        if missing and expression not in self._warned:
            if len(self._warned) > 1000:
                self._warned.clear()
            self._warned.add(expression)
            _LOG.warning('the model does not read all of %.200r: %.400s', expression, describe_left_out(missing))


def draw_answer(picture: np.ndarray, answer: Answer) -> np.ndarray:
    """Draw an answer onto its picture (H, W, 3) BGR; returns an RGB picture."""
    from mmvg.visualization import GroundingVisualizer

    visualizer = GroundingVisualizer(score_thr=answer.score_thr)
    sample = answer.to_sample()
    return visualizer.draw(np.ascontiguousarray(picture[..., ::-1]), sample, draw_gt=False, score_thr=answer.score_thr)
