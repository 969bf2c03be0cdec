"""Tokenizers: ``tokenizer(text, max_length)`` gives ids (L,) and a mask (L,), True = a real token; none downloads."""

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.word_tokenizer import WordTokenizer

__all__ = ['BaseTokenizer', 'WordTokenizer']
