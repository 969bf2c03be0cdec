"""Clean the expression of a sample."""

import logging

from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.expressions import READERS, clean_expression
from mmvg.datasets.transforms.sample_name import sample_name
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CleanText(BaseTransform):
    """Clean ``text`` as a code base of the field does (``Expression cleaning`` in the docs of the datasets).

    - ``'raw'``: as written; LAVT, ReLA, DMMI and RefSegformer leave it to the tokenizer to lower-case.
    - ``'sent'``: lower-cased and stripped.
    - ``'cris'``: stripped; CRIS reads the already clean ``sent`` field.
    - ``'instancevg'``: SeqTR, SimVG and InstanceVG: lower-cased, ``. , ' ! ? " ( ) * # : ;`` deleted (``man's`` ->
      ``mans``), ``-`` and ``/`` replaced by a blank (``t-shirt`` -> ``t shirt``), nothing else.

    Args:
        reader: Which of the four.
        empty: What to do when nothing but blanks is left: ``'raise'``; ``'skip'`` the sample with a warning (a
            training dataset counts it and draws another one); or ``'keep'`` it, with special tokens only, as
            evaluation must.

    Example:
        >>> CleanText('instancevg')(dict(text="The man's T-shirt!"))
        {'text': 'the mans t shirt'}
    """

    def __init__(self, reader: str, empty: str = 'raise') -> None:
        check_choice('CleanText.reader', reader, READERS)
        check_choice('CleanText.empty', empty, ('raise', 'skip', 'keep'))
        self.reader = reader
        self.empty = empty

    def transform(self, results: dict) -> dict | None:
        """Replace ``text`` by its clean form; None for a sample to skip.

        Raises:
            TypeError: If ``text`` is not a str.
            ValueError: If nothing is left of it and ``empty='raise'``.
        """
        text = results['text']
        if not isinstance(text, str):
            raise TypeError(f'{sample_name(results)}: the expression must be a str, but it is {text!r}')
        clean = clean_expression(text, self.reader)
        if self.empty != 'keep' and not clean.strip():
            message = f'{sample_name(results)}: nothing is left of the expression {text!r} after cleaning'
            if self.empty == 'raise':
                raise ValueError(
                    f"{message}; repair the annotation, or set CleanText(empty='skip') for training and 'keep' for "
                    'evaluation'
                )
            print_log(f'{message}; the sample is skipped', 'current', logging.WARNING)
            return None
        results['text'] = clean
        return results

    def __repr__(self) -> str:
        return f'CleanText(reader={self.reader!r}, empty={self.empty!r})'
