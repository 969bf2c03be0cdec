"""Tokenizers: ``tokenizer(text, max_length)`` gives ids (L,) and a mask (L,), True = a real token; none downloads."""

from mmvg.datasets.tokenizers.base_tokenizer import BaseTokenizer
from mmvg.datasets.tokenizers.beit3_tokenizer import BEiT3Tokenizer
from mmvg.datasets.tokenizers.bert_tokenizer import BertTokenizer
from mmvg.datasets.tokenizers.clip_tokenizer import CLIPTokenizer
from mmvg.datasets.tokenizers.word_tokenizer import WordTokenizer

__all__ = ['BEiT3Tokenizer', 'BaseTokenizer', 'BertTokenizer', 'CLIPTokenizer', 'WordTokenizer']
