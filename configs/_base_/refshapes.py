"""Where RefShapes lies and which words it uses; imported after a data set, whose format is then read from there."""

from mmvg.datasets.tokenizers import WordTokenizer

data_root = 'data/refshapes'
vocab_file = 'data/refshapes/vocab.txt'
tokenizer = dict(type=WordTokenizer, vocab_file='${vocab_file}')
