"""Answers for pictures and sentences, without a dataset, a Runner or a config file of one's own."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from rich.progress import track

from mmvg.apis.answer_records import answer_record, describe_left_out
from mmvg.apis.calibrate import calibrate_sample
from mmvg.apis.exported_inferencer import ExportedInferencer
from mmvg.apis.images import ImageSource
from mmvg.apis.model_card import model_card
from mmvg.apis.model_hub import HUB, push_folder
from mmvg.apis.model_source import open_model
from mmvg.apis.preparing import QuestionPipeline, answering_pipeline
from mmvg.apis.questions import LastImages, as_images, check_batch_size, check_expressions, pair
from mmvg.config.plain_data import to_data
from mmvg.export.folder import is_exported
from mmvg.structures import DEFAULT_SCORE_THR, TEXT_KEYS, Answer, GroundingSample, check_threshold
from mmvg.weights.adapters import merge_adapters
from mmvg.weights.calibration import read_calibration, write_calibration
from mmvg.weights.carried_files import laid_out
from mmvg.weights.checkpoint import load_state_dict, use_safe_checkpoint_loading
from mmvg.weights.closed_loading import closed_loading
from mmvg.weights.model_folder_writer import write_model_folder

#: Keys of a config that belong to one run on one machine.
_OF_ONE_RUN = ('compile', 'experiment_name', 'launcher', 'load_from', 'modes', 'resume', 'work_dir')


class GroundingInferencer(BaseInferencer):
    """Finds in pictures what sentences mean, in the shape of MMEngine's inferencers.

    The answer for one pair does not depend on the others of its batch.

    Args:
        model: A model folder, as :meth:`save_pretrained` writes it; a checkpoint that carries its config, or the folder
            of a training; a config (path or :class:`mmengine.config.Config`); a name of :func:`mmvg.apis.list_models`
            or of a model that comes with mmvg; or ``'hf://user/name'``, which alone is downloaded, from the Hugging
            Face hub. What a file carries is read as data, and may name only parts that are on a list.
        weights: A local checkpoint, unless ``model`` is one or brings its weights along. Must fit the model key by key.
        device: Such as ``'cpu'`` or ``'cuda:0'``; by default a GPU if there is one.
        score_thr: What scores more than this is there, in [0, 1]: instances, grasps, and anything at all. By default
            what the config's ``model.head.postprocess.score_thr`` says, or 0.5.
        show_progress: Show a bar when there is more than one batch.
        trust_config: Run the config that a checkpoint carries as a program, and build whatever it names.
        calibrated: Apply the temperatures that ``mmvg calibrate`` fitted for these weights, if it did
            (:mod:`mmvg.weights.calibration`).
        backend: ``'onnxruntime'``, ``'openvino'`` or ``'torch'``, to answer from the folder that ``mmvg export --to``
            has written; what is made is an :class:`mmvg.apis.ExportedInferencer` then. A folder of that kind as
            ``model`` is enough.

    Raises:
        FileNotFoundError: If config or weights are not there.
        ValueError: If they do not fit, the device is not there, or the threshold is not in [0, 1].

    Example:
        >>> find = GroundingInferencer('work_dirs/instancevg_refshapes/iter_1000.pth')  # doctest: +SKIP
        >>> find('scene.jpg', ['the red ring', 'both stars'])['predictions'][0]['boxes']  # doctest: +SKIP
    """

    preprocess_kwargs = set()
    forward_kwargs = set()
    visualize_kwargs = {'draw'}
    postprocess_kwargs = {'score_thr'}

    def __new__(
        cls,
        model: str | Path | Config,
        weights: str | Path | None = None,
        device: str | None = None,
        score_thr: float | None = None,
        show_progress: bool = True,
        trust_config: bool = False,
        calibrated: bool = True,
        backend: str | None = None,
        **options: Any,
    ) -> 'GroundingInferencer | ExportedInferencer':
        """Hand over to :class:`mmvg.apis.ExportedInferencer`, with its own ``options``, if the model is exported."""
        if backend is None and not is_exported(model):
            return super().__new__(cls)
        if weights is not None:
            raise ValueError(f'{model}: an exported model brings its weights; leave {weights} out')
        told = dict(calibrated=calibrated, trust_config=trust_config, **options)
        return ExportedInferencer(model, backend, device, score_thr, **told)

    def __init__(
        self,
        model: str | Path | Config,
        weights: str | Path | None = None,
        device: str | None = None,
        score_thr: float | None = None,
        show_progress: bool = True,
        trust_config: bool = False,
        calibrated: bool = True,
        backend: str | None = None,
    ) -> None:
        check_device(device)
        if score_thr is not None:
            check_threshold(score_thr)
        use_safe_checkpoint_loading()
        source = open_model(model, weights, trust_config)
        self._source = source
        self._warned: set[str] = set()
        with closed_loading(not source.own_config), laid_out(source.config, source.files) as cfg:
            super().__init__(cfg, None, device, scope='mmvg', show_progress=show_progress)
        self.cfg = source.config
        own_thr = DEFAULT_SCORE_THR
        if (postprocess := getattr(self.model.head, 'postprocess', None)) is not None:
            postprocess.frame = 'original'  # a protocol may score input pixels; who asks about a picture wants its own
            own_thr = postprocess.score_thr
        self.score_thr = check_threshold(own_thr if score_thr is None else score_thr)
        self.calibration = read_calibration(source.source) if calibrated and source.state is not None else None

    @classmethod
    def from_pretrained(cls, model: str | Path, **options: Any) -> 'GroundingInferencer':
        """Open a model folder, a model that comes with mmvg, or one of the Hugging Face hub.

        Args:
            model: The folder, a name, or ``'hf://user/name'``.
            options: As of the class.
        """
        return cls(model, **options)

    def save_pretrained(
        self,
        folder: str | Path,
        half: bool = False,
        name: str | None = None,
        scores: Mapping[str, float] | None = None,
        license: str | None = None,
        place: str | None = None,
    ) -> Path:
        """Write a folder that answers on any machine: weights, config as data, vocabulary and a model card.

        Args:
            folder: It is made; files of the same names in it are replaced.
            half: Write the weights in 16 bits, half as large; they are computed with in 32 bits as before.
            name: Of the model, for its card; by default that of the folder.
            scores: Metric to number, as ``mmvg test`` prints them, for the card.
            license: Of the weights, as the hub calls it, such as ``'apache-2.0'``, for the card.
            place: How the card calls the model where it is used; by default its name.

        Returns:
            The folder.

        Raises:
            TypeError: If the config holds what is no data.
            ValueError: If the model is one of another library, which has a folder of its own.
        """
        if getattr(self.model, 'brings_weights', False):
            raise ValueError('this model is one of another library, in a folder already: copy that, and its config')
        config = {key: value for key, value in to_data(self.cfg).items() if key not in _OF_ONE_RUN}
        state = merge_adapters(self.model.state_dict())
        name = name or Path(folder).expanduser().resolve().name
        numbers = sum(value.numel() for value in state.values())
        card = model_card(name, config, numbers, scores, license, half, place)
        folder = write_model_folder(folder, state, config, self._source.text_files, card, half)
        if self.calibration is not None:
            write_calibration(folder, self.calibration)
        return folder

    def push_to_hub(self, address: str, private: bool | None = None, message: str | None = None, **options: Any) -> str:
        """Upload the model to the Hugging Face hub, as the user whom huggingface_hub knows.

        Args:
            address: ``'user/name'`` or ``'hf://user/name'``; the repository is made if there is none.
            private: Whether a new repository is private.
            message: Of the commit.
            options: Of :meth:`save_pretrained`.

        Returns:
            Address of the commit.

        Raises:
            ValueError: If the address is none, or the hub refuses.
        """
        place = f'{HUB}{address.removeprefix(HUB)}'
        with TemporaryDirectory(prefix='mmvg_') as folder:
            named = dict(dict(name=address.rpartition('/')[2], place=place), **options)
            return push_folder(self.save_pretrained(folder, **named), address, private, message)

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
            images: One picture or several, see :func:`mmvg.apis.read_image`, in a list, a tuple or a generator; or a
                folder of pictures.
            expressions: One sentence or several.
            pairs: Ask the k-th sentence about the k-th image only, instead of all sentences about each image.
            batch_size: Pairs that are computed together.
            return_datasamples: Return :class:`GroundingSample` objects, which keep all candidates, instead of dicts.
            draw: Draw each answer too.
            score_thr: Takes the place of the inferencer's threshold.
            allow_url: Fetch images that are given as addresses.
            skip_unreadable: Leave out pictures that cannot be read, and answer about the others.

        Returns:
            ``predictions``: a list, image by image, of dicts made of numbers, strings and lists (see
            :func:`mmvg.apis.answer_record`), or of samples; ``visualization``: as many pictures (h, w, 3) uint8 RGB, or
            empty; ``unreadable``: what is wrong with each picture that was left out.

        Raises:
            FileNotFoundError: If an image is not there.
            ValueError: If an image cannot be read, an expression is blank or far too long, or the numbers of images
                and expressions do not fit.
        """
        threshold = self.score_thr if score_thr is None else check_threshold(score_thr)
        check_batch_size(batch_size)
        asked = pair(as_images(images), check_expressions(expressions), pairs)
        read, prepare = LastImages(allow_url, skip_unreadable), QuestionPipeline(self.pipeline)
        results: dict[str, list] = dict(predictions=[], visualization=[])
        numbered = list(enumerate(asked))
        batches = [numbered[start : start + batch_size] for start in range(0, len(asked), batch_size)]
        steps = track(batches, 'answering', transient=True) if self.show_progress and len(batches) > 1 else batches
        for batch in steps:
            pairs_read = [(number, name, text, read(source)) for number, (source, name, text) in batch]
            questions = [question for question in pairs_read if question[-1] is not None]
            if not questions:
                continue
            samples = self.forward(self.collate_fn([prepare(*question) for question in questions]))
            for (_, _, expression, _), sample in zip(questions, samples, strict=True):
                sample.set_metainfo(dict(expression=expression))
                self._warn_of_left_out(sample)
            if draw:
                pictures = [picture for *_, picture in questions]
                results['visualization'] += self.visualize(pictures, samples, score_thr=threshold)
            results['predictions'] += self.postprocess(samples, return_datasamples, threshold)
        results['unreadable'] = read.problems
        return results

    def keep_grasp_maps(self) -> None:
        """Have the model keep the maps that it reads grasps from, so that they are drawn beside its answers.

        Raises:
            ValueError: If it has none.
        """
        postprocess = getattr(self.model.head, 'postprocess', None)
        if not hasattr(postprocess, 'keep_maps'):
            raise ValueError('this model has no grasp maps to draw: it does not look for grasps')
        postprocess.keep_maps = True

    def _warn_of_left_out(self, sample: GroundingSample) -> None:
        """Log once what the model did not get to read of an expression."""
        remark = describe_left_out({key: sample.get(key) for key in TEXT_KEYS})
        if remark and sample.expression not in self._warned:
            if len(self._warned) > 1000:
                self._warned.clear()
            self._warned.add(sample.expression)
            message = f'the model does not read all of {sample.expression!r:.200}: {remark:.400}'
            print_log(message, 'current', logging.WARNING)

    def forward(self, inputs: dict | tuple, **kwargs: Any) -> list[GroundingSample]:
        """Answer a batch, with calibrated scores where there is a calibration of the weights."""
        samples = super().forward(inputs, **kwargs)
        if self.calibration is not None:
            for sample in samples:
                calibrate_sample(sample, self.calibration)
        return samples

    def visualize(
        self, inputs: Sequence[np.ndarray], preds: Sequence[GroundingSample], score_thr: float | None = None
    ) -> list[np.ndarray]:
        """Draw samples onto their pictures (H, W, 3) BGR; returns RGB pictures."""
        return [
            self.visualizer.draw(np.ascontiguousarray(image[..., ::-1]), sample, draw_gt=False, score_thr=score_thr)
            for image, sample in zip(inputs, preds, strict=True)
        ]

    def postprocess(
        self, preds: Sequence[GroundingSample], return_datasamples: bool = False, score_thr: float | None = None
    ) -> list:
        """Turn samples into records, or decide at the threshold what they say."""
        score_thr = self.score_thr if score_thr is None else score_thr
        if not return_datasamples:
            return [answer_record(sample, score_thr) for sample in preds]
        for sample in preds:
            if sample.get('score_thr', DEFAULT_SCORE_THR) != score_thr:
                Answer.from_sample(sample, score_thr).write_verdict_to(sample)
        return list(preds)

    def _init_model(self, cfg: Config, weights: str | None, device: str = 'cpu') -> torch.nn.Module:
        from mmvg.registry import MODELS

        model = MODELS.build(cfg.model)
        if self._source.state is not None:
            load_state_dict(model, self._source.state, self._source.source)
            self._source.state = {}  # the model has them now
        return model.to(device).eval()

    def _init_pipeline(self, cfg: Config) -> Compose:
        return answering_pipeline(cfg)

    def _init_collate(self, cfg: Config):
        return pseudo_collate

    def _init_visualizer(self, cfg: Config):
        from mmvg.visualization import GroundingVisualizer

        return GroundingVisualizer(name=f'inferencer_{id(self)}')


def check_device(device: str | None) -> None:
    """Check that a device is there; None, for the default, always is.

    Raises:
        ValueError: If PyTorch knows no such device, or this machine has none.
    """
    if device is None:
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device {device!r} is not there ({reason:.80}...); PyTorch sees {torch.cuda.device_count()} CUDA devices. '
            "'cpu' is always there"
        ) from error
