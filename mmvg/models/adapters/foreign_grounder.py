"""A model of another library in the place of a :class:`mmvg.models.Grounder`."""

from mmengine.model import BaseDataPreprocessor, BaseModel, BaseModule
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.models.postprocess import Proposals
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class ForeignGrounder(BaseModel):
    """Answer one expression about one image with a model of another library, which brings its weights along.

    It stands where a :class:`mmvg.models.Grounder` stands, in test runs, the inferencer and the page, but needs no
    checkpoint and cannot be trained.

    Args:
        library: A :class:`mmvg.models.adapters.ForeignModel`.
        head: A :class:`ProposalHead`, which decides what counts.
        data_preprocessor: A :class:`PicturePreprocessor`.

    Example:
        >>> from mmvg.config import read_config
        >>> import torch
        >>> with torch.device('meta'):  # where no folder is read
        ...     model = MODELS.build(read_config('configs/hf/owlv2_refcoco.py').model)
        >>> type(model.library).__name__, model.head.postprocess.box_rule
        ('ZeroShotDetector', 'best_scored')
    """

    #: Tools that ask for a checkpoint can do without one.
    brings_weights = True

    def __init__(self, library: dict, head: dict, data_preprocessor: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        self.library = MODELS.build(library)
        self.head = MODELS.build(head)

    def forward(
        self, inputs: list[Tensor], data_samples: list[GroundingSample], mode: str = 'predict'
    ) -> list[GroundingSample] | list[Proposals]:
        """Return answered samples (``predict``) or what the library proposes (``tensor``).

        Args:
            inputs: B pictures (3, H, W) uint8 RGB, of any sizes.
            data_samples: B samples with ``text``.
            mode: What to return.

        Raises:
            NotImplementedError: If ``mode`` is ``'loss'``.
            ValueError: If it is none of the three.
        """
        check_choice('mode', mode, ('loss', 'predict', 'tensor'))
        if mode == 'loss':
            raise NotImplementedError(
                f'{type(self.library).__name__} is asked and scored here, not trained; train it with its own library'
            )
        proposals = self.library(inputs, [sample.text for sample in data_samples])
        return proposals if mode == 'tensor' else self.head.predict(proposals, data_samples)


@MODELS.register_module()
class ProposalHead(BaseModule):
    """Decides what of the proposals of another library counts.

    Args:
        postprocess: A :class:`mmvg.models.postprocess.ProposalPostprocess`.

    Example:
        >>> head = ProposalHead(dict(type='ProposalPostprocess', unit='fraction', score_thr=0.3))
        >>> head.postprocess.score_thr
        0.3
    """

    def __init__(self, postprocess: dict) -> None:
        super().__init__()
        self.postprocess = MODELS.build(postprocess)

    def predict(self, proposals: list[Proposals], data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Write the answers onto the samples, and return these."""
        return self.postprocess(proposals, data_samples)


@MODELS.register_module()
class PicturePreprocessor(BaseDataPreprocessor):
    """Hand on pictures of any sizes as they are, RGB, on the device of the model.

    Example:
        >>> import torch
        >>> data = PicturePreprocessor()(dict(inputs=[torch.arange(3)[:, None, None].byte()], data_samples=[None]))
        >>> data['inputs'][0].flatten()
        tensor([2, 1, 0], dtype=torch.uint8)
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn BGR into RGB, and move everything to the device."""
        data = self.cast_data(data)
        return dict(inputs=[image.flip(0) for image in data['inputs']], data_samples=data['data_samples'])
