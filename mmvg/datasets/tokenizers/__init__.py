"""Tokenizers: ``tokenizer(text, max_length)`` gives ids (L,) int64 and a mask (L,) bool, True = a real token.

L is ``max_length``, the number of tokens with begin, end and padding. No tokenizer downloads anything.
"""

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.beit3_tokenizer import BEiT3Tokenizer
from mmvg.datasets.tokenizers.bert_tokenizer import BertTokenizer
from mmvg.datasets.tokenizers.clip_tokenizer import CLIPTokenizer
from mmvg.datasets.tokenizers.word_tokenizer import WordTokenizer

__all__ = ['BEiT3Tokenizer', 'BaseTokenizer', 'BertTokenizer', 'CLIPTokenizer', 'WordTokenizer']
