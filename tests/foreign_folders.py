"""Tiny random models in folders of the real formats: config, weights, tokenizer and processor, as a download has them.

``folder('grounding_dino', root)`` writes one below ``root`` and returns its path; what is there is not written again.
Words of RefShapes are one token each, so that sentences differ; weights are large enough for answers to depend on
picture and sentence.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from filelock import FileLock
from tokenizers.pre_tokenizers import ByteLevel

WORDS = [
    'the',
    'a',
    'red',
    'blue',
    'green',
    'yellow',
    'ring',
    'star',
    'mug',
    'square',
    'triangle',
    'circle',
    'both',
    'left',
    'right',
    'of',
    'to',
    'that',
    'is',
    'large',
    'small',
    'in',
    'middle',
    'all',
    'locate',
    'detect',
    'image',
    'with',
    'mask',
    'find',
]
#: The template of Qwen's chats, without tools, films and thinking.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    '{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def folder(family: str, root: Path) -> Path:
    """The folder of the tiny model of a family, below ``root``."""
    path = Path(root) / family
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f'{path}.lock'):
        if not path.is_dir():
            making = path.with_suffix('.making')
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            FAMILIES[family](making)
            making.rename(path)
    return path


def _save(model: torch.nn.Module, path: Path, scale: float = 3.0) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and 'norm' not in name:
                weight.mul_(scale)
    model.save_pretrained(path)


def _write(path: Path, **content) -> None:
    path.write_text(json.dumps(content), encoding='utf-8')


# Tokenizers


def bert_tokenizer(path: Path) -> int:
    """``vocab.txt`` of BERT; returns the number of words."""
    letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *".?,'-", *letters, *(f'##{c}' for c in letters)]
    words += [word for word in dict.fromkeys(WORDS) if len(word) > 1]
    (path / 'vocab.txt').write_text('\n'.join(words) + '\n', encoding='utf-8')
    _write(path / 'tokenizer_config.json', tokenizer_class='BertTokenizer', do_lower_case=True, model_max_length=512)
    return len(words)


def _pairs(words: list[list[str]]) -> list[str]:
    """Merges that make each word, given in pieces, one piece."""
    merges = {}
    for pieces in words:
        made = pieces[0]
        for piece in pieces[1:]:
            merges[f'{made} {piece}'] = made + piece
            made += piece
    return list(merges)


def byte_pairs(path: Path, pieces: list[str], merges: list[str], specials: list[str], **settings) -> int:
    """``vocab.json`` and ``merges.txt``; returns the number of tokens."""
    vocab = list(dict.fromkeys([*pieces, *(merge.replace(' ', '') for merge in merges), *specials]))
    _write(path / 'vocab.json', **{token: number for number, token in enumerate(vocab)})
    (path / 'merges.txt').write_text('#version: 0.2\n' + '\n'.join(merges) + '\n', encoding='utf-8')
    _write(path / 'tokenizer_config.json', **settings)
    return len(vocab)


def clip_tokenizer(path: Path, length: int) -> int:
    """CLIP's: the end of a word is marked."""
    letters = sorted(ByteLevel.alphabet())
    merges = _pairs([[*word[:-1], f'{word[-1]}</w>'] for word in dict.fromkeys(WORDS) if len(word) > 1])
    pieces = [*letters, *(f'{letter}</w>' for letter in letters)]
    ends = ['<|startoftext|>', '<|endoftext|>']
    return byte_pairs(path, pieces, merges, ends, tokenizer_class='CLIPTokenizer', model_max_length=length)


def byte_level_tokenizer(path: Path, specials: list[str], **settings) -> int:
    """That of GPT-2 and its heirs: the blank before a word belongs to it."""
    merges = _pairs([['Ġ', *word] for word in dict.fromkeys(WORDS)])
    return byte_pairs(path, sorted(ByteLevel.alphabet()), merges, specials, **settings)


# Detectors


def _swin(**more) -> transformers.SwinConfig:
    sizes = dict(embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2)
    return transformers.SwinConfig(image_size=64, out_indices=[2, 3, 4], **sizes, **more)


def _dino(path: Path, config: type, model: type, image_processor: dict) -> None:
    text = transformers.BertConfig(
        vocab_size=bert_tokenizer(path),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    sizes = dict(num_queries=7, d_model=64, max_text_len=32)
    for part in ('encoder', 'decoder'):
        sizes |= {f'{part}_layers': 2, f'{part}_ffn_dim': 16, f'{part}_attention_heads': 2}
    torch.manual_seed(0)
    _save(model(config(backbone_config=_swin(), text_config=text, **sizes)), path)
    _write(path / 'preprocessor_config.json', **image_processor)


_DINO_PICTURES = dict(
    image_processor_type='GroundingDinoImageProcessor',
    processor_class='GroundingDinoProcessor',
    size=dict(shortest_edge=64, longest_edge=96),
    image_mean=MEAN,
    image_std=STD,
)


def grounding_dino(path: Path) -> None:
    _dino(path, transformers.GroundingDinoConfig, transformers.GroundingDinoForObjectDetection, _DINO_PICTURES)


def mm_grounding_dino(path: Path) -> None:
    _dino(path, transformers.MMGroundingDinoConfig, transformers.MMGroundingDinoForObjectDetection, _DINO_PICTURES)


def omdet_turbo(path: Path) -> None:
    words = clip_tokenizer(path, 77)
    text = dict(
        model_type='clip_text_model',
        vocab_size=words,
        hidden_size=24,
        projection_dim=24,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    config = transformers.OmDetTurboConfig(
        backbone_config=_swin(),
        text_config=text,
        image_size=64,
        num_queries=7,
        apply_layernorm_after_vision_backbone=False,
        text_projection_in_dim=24,
        text_projection_out_dim=24,
        task_encoder_hidden_dim=16,
        class_embed_dim=24,
        encoder_in_channels=[16, 32, 64],
        encoder_hidden_dim=16,
        vision_features_channels=[16, 16, 16],
        encoder_attention_heads=2,
        encoder_dim_feedforward=16,
        decoder_hidden_dim=16,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=16,
    )
    torch.manual_seed(0)
    _save(transformers.OmDetTurboForObjectDetection(config), path)
    _write(
        path / 'preprocessor_config.json',
        image_processor_type='DetrImageProcessor',
        processor_class='OmDetTurboProcessor',
        size=dict(height=64, width=64),
        do_pad=False,
        image_mean=MEAN,
        image_std=STD,
    )


def owlv2(path: Path) -> None:
    words = clip_tokenizer(path, 16)
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2)
    ends = dict(bos_token_id=words - 2, eos_token_id=words - 1, pad_token_id=0)
    config = transformers.Owlv2Config(
        text_config=dict(vocab_size=words, max_position_embeddings=16, **sizes, **ends),
        vision_config=dict(image_size=64, patch_size=16, **sizes),
        projection_dim=16,
    )
    torch.manual_seed(0)
    _save(transformers.Owlv2ForObjectDetection(config), path, scale=4.0)
    _write(
        path / 'preprocessor_config.json',
        image_processor_type='Owlv2ImageProcessor',
        processor_class='Owlv2Processor',
        size=dict(height=64, width=64),
    )


def sam3(path: Path) -> None:
    words = clip_tokenizer(path, 32)
    text = dict(
        model_type='clip_text_model',
        vocab_size=words,
        hidden_size=16,
        intermediate_size=16,
        projection_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
    )
    tower = dict(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        window_size=2,
        pretrain_image_size=28,
        global_attn_indexes=[1],
    )
    part = dict(hidden_size=32, num_attention_heads=2)
    layered = dict(part, num_layers=2, intermediate_size=16)
    config = transformers.Sam3Config(
        vision_config=dict(
            backbone_config=dict(model_type='sam3_vit_model', **tower),
            fpn_hidden_size=32,
            backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        ),
        text_config=text,
        geometry_encoder_config=layered,
        detr_encoder_config=layered,
        detr_decoder_config=dict(layered, num_queries=7),
        mask_decoder_config=part,
    )
    torch.manual_seed(0)
    _save(transformers.Sam3Model(config), path)
    _write(
        path / 'preprocessor_config.json',
        image_processor_type='Sam3ImageProcessor',
        processor_class='Sam3Processor',
        size=dict(height=56, width=56),
    )


# Models that answer in words


def florence2(path: Path) -> None:
    ends = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    added = ['<image>', *(f'<loc_{number}>' for number in range(1000)), '<poly>', '</poly>', '<sep>']
    words = byte_level_tokenizer(
        path,
        [*ends, *added],
        tokenizer_class='BartTokenizer',
        model_max_length=64,
        extra_special_tokens=dict(image_token='<image>'),
        bos_token='<s>',
        eos_token='</s>',
        pad_token='<pad>',
        unk_token='<unk>',
        mask_token='<mask>',
    )
    vocab = json.loads((path / 'vocab.json').read_text())
    text = dict(
        model_type='bart',
        vocab_size=words,
        d_model=16,
        max_position_embeddings=128,
        bos_token_id=vocab['<s>'],
        eos_token_id=vocab['</s>'],
        pad_token_id=vocab['<pad>'],
        decoder_start_token_id=vocab['</s>'],
        forced_eos_token_id=vocab['</s>'],
    )
    for part in ('encoder', 'decoder'):
        text |= {f'{part}_layers': 2, f'{part}_ffn_dim': 16, f'{part}_attention_heads': 2}
    config = transformers.Florence2Config(
        text_config=text,
        vision_config=dict(
            depths=[1, 1, 1, 1],
            embed_dim=[8, 8, 16, 16],
            num_heads=[1, 1, 2, 2],
            num_groups=[1, 1, 2, 2],
            window_size=2,
            projection_dim=16,
        ),
        image_token_id=vocab['<image>'],
    )
    torch.manual_seed(0)
    model = transformers.Florence2ForConditionalGeneration(config)
    _save(model, path)
    pictures = dict(image_processor_type='CLIPImageProcessor', image_mean=MEAN, image_std=STD)
    pictures |= dict(size=dict(height=64, width=64), do_center_crop=False, image_seq_length=5)
    _write(path / 'preprocessor_config.json', processor_class='Florence2Processor', **pictures)
    tasks = ('polygons', 'phrase_grounding', 'description_with_bboxes_or_polygons', 'description_with_bboxes')
    _write(
        path / 'processor_config.json',
        processor_class='Florence2Processor',
        num_additional_image_tokens=0,
        post_processor_config={task: {} for task in tasks},
    )


def _qwen(path: Path) -> tuple[int, dict[str, int]]:
    specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>']
    specials += ['<|image_pad|>', '<|video_pad|>']
    words = byte_level_tokenizer(
        path,
        specials,
        tokenizer_class='Qwen2Tokenizer',
        model_max_length=4096,
        eos_token='<|im_end|>',
        pad_token='<|endoftext|>',
        additional_special_tokens=specials,
    )
    _write(path / 'chat_template.json', chat_template=CHAT)
    vocab = json.loads((path / 'vocab.json').read_text())
    names = dict(vision_start='<|vision_start|>', vision_end='<|vision_end|>', image='<|image_pad|>')
    names |= dict(video='<|video_pad|>')
    return words, {f'{name}_token_id': vocab[token] for name, token in names.items()} | dict(
        eos_token_id=vocab['<|im_end|>'], pad_token_id=vocab['<|endoftext|>']
    )


def qwen2_5_vl(path: Path) -> None:
    words, ids = _qwen(path)
    ends = {key: ids.pop(key) for key in ('eos_token_id', 'pad_token_id')}
    rope = dict(rope_type='default', mrope_section=[1, 1, 2], rope_theta=10000.0)
    config = transformers.Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=words,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            rope_parameters=rope,
            bos_token_id=None,
            **ends,
        ),
        vision_config=dict(
            depth=2,
            hidden_size=16,
            intermediate_size=16,
            num_heads=2,
            out_hidden_size=16,
            fullatt_block_indexes=[1],
            window_size=56,
        ),
        **ids,
    )
    torch.manual_seed(0)
    model = transformers.Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(**ends)
    _save(model, path, scale=8.0)
    pictures = dict(image_processor_type='Qwen2VLImageProcessor', size=dict(shortest_edge=3136, longest_edge=12544))
    _write(path / 'preprocessor_config.json', processor_class='Qwen2_5_VLProcessor', **pictures)


def qwen3_vl(path: Path) -> None:
    words, ids = _qwen(path)
    ends = {key: ids.pop(key) for key in ('eos_token_id', 'pad_token_id')}
    rope = dict(rope_type='default', mrope_section=[2, 1, 1], rope_theta=10000.0, mrope_interleaved=True)
    config = transformers.Qwen3VLConfig(
        text_config=dict(
            vocab_size=words,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            rope_parameters=rope,
            **{key: value for key, value in ends.items() if key == 'pad_token_id'},
        ),
        vision_config=dict(
            depth=2,
            hidden_size=16,
            intermediate_size=16,
            num_heads=2,
            out_hidden_size=16,
            num_position_embeddings=64,
            deepstack_visual_indexes=[0, 1],
        ),
        **ids,
    )
    torch.manual_seed(0)
    model = transformers.Qwen3VLForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(**ends)
    _save(model, path, scale=8.0)
    pictures = dict(image_processor_type='Qwen2VLImageProcessor', size=dict(shortest_edge=4096, longest_edge=16384))
    _write(path / 'preprocessor_config.json', processor_class='Qwen3VLProcessor', patch_size=16, **pictures)


FAMILIES: dict[str, Callable[[Path], None]] = {
    maker.__name__: maker
    for maker in (grounding_dino, mm_grounding_dino, omdet_turbo, owlv2, sam3, florence2, qwen2_5_vl, qwen3_vl)
}


def mmdet_grounding_dino(path: Path) -> None:
    """``config.py`` of mmdetection, its weights ``detector.pth``, and BERT in ``bert/``."""
    from mmengine.config import Config

    from mmvg.models.adapters import mmdet_grounding_dino as adapter

    bert = path / 'bert'
    bert.mkdir()
    sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    torch.manual_seed(0)
    text = transformers.BertConfig(vocab_size=bert_tokenizer(bert), max_position_embeddings=256, **sizes)
    _save(transformers.BertModel(text), bert)
    shipped = adapter.find_mmdet_config('mm_grounding_dino/grounding_dino_swin-t_pretrain_obj365.py')
    (path / 'config.py').write_text(
        f"""_base_ = [{str(shipped)!r}]
model = dict(
    num_queries=20,
    backbone=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
    neck=dict(in_channels=[16, 32, 64]),
    encoder=dict(
        num_layers=1,
        layer_cfg=dict(ffn_cfg=dict(feedforward_channels=16)),
        text_layer_cfg=dict(ffn_cfg=dict(feedforward_channels=16)),
        fusion_layer_cfg=dict(embed_dim=32, init_values=0.5),
    ),
    decoder=dict(num_layers=1, layer_cfg=dict(ffn_cfg=dict(feedforward_channels=16))),
    test_cfg=dict(max_per_img=20),
)
meta = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'text', 'custom_entities', 'tokens_positive')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='FixScaleResize', scale=(96, 160), keep_ratio=True, backend='pillow'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=meta),
]
""",
        encoding='utf-8',
    )
    torch.manual_seed(0)
    detector = adapter._build(Config.fromfile(path / 'config.py').model, bert, {})
    detector.init_weights()
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if weight.ndim > 1 and 'norm' not in name and 'language_model' not in name:
                weight.add_(torch.randn_like(weight) * 0.05)
    torch.save(dict(state_dict=detector.state_dict()), path / 'detector.pth')


FAMILIES['mmdet_grounding_dino'] = mmdet_grounding_dino
