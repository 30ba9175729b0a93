"""Writes a checkpoint of a real model's architecture that is tiny, so that a real vLLM serves it without a GPU.

    python tiny_model.py dots_ocr FOLDER

It is run by the interpreter that has vLLM, and imports nothing of pagelake. What it writes has the config, the
tokenizer, the image processor and the chat template that the published repository has, in kind; what such a model says
is noise, so a test forces its form (a JSON schema) or looks at no more than that it came. dots.ocr gets random weights,
large enough that another page gives another answer; the others are served with `--load-format dummy`.
"""

from __future__ import annotations

import json
import string
import sys
from pathlib import Path
from typing import Any

import torch  # ty: ignore[import-not-found]
from safetensors.torch import save_file  # ty: ignore[import-not-found]
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # ty: ignore[import-not-found]

VOCABULARY, WIDTH, LAYERS, HEADS, PATCH = 512, 64, 2, 2, 14
WEIGHT_DEVIATION = 0.4
CORPUS = [
    '[{"bbox":[12,34,567,890],"category":"Section-header","text":"Lorem ipsum dolor sit amet"}]',
    "Caption Footnote Formula List-item Page-footer Page-header Picture Section-header Table Text Title",
    string.printable,
]
IMAGE_MEAN, IMAGE_DEVIATION = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]

Json = dict[str, Any]


def write_dots_ocr(folder: Path) -> None:
    """`DotsOCRForCausalLM`: the vision tower on one side, a Qwen2 language model on the other."""
    special = ["<|endoftext|>", "<|img|>", "<|imgpad|>", "<|endofimg|>", "<|user|>", "<|endofuser|>"]
    special += ["<|assistant|>", "<|endofassistant|>", "<|video_pad|>"]
    number = write_tokenizer(
        folder, special, end="<|endofassistant|>", pad="<|endoftext|>", chat_template=DOTS_TEMPLATE
    )
    config = language_config("DotsOCRForCausalLM", "dots_ocr") | {
        "auto_map": {"AutoConfig": "configuration_dots.DotsOCRConfig"},
        "attention_bias": True,
        "attention_dropout": 0.0,
        "max_window_layers": LAYERS,
        "rope_scaling": None,
        "sliding_window": 131072,
        "use_sliding_window": False,
        "image_token_id": number["<|imgpad|>"],
        "video_token_id": number["<|video_pad|>"],
        "eos_token_id": number["<|endofassistant|>"],
        "pad_token_id": number["<|endoftext|>"],
        "vision_config": {
            "embed_dim": WIDTH,
            "hidden_size": WIDTH,
            "intermediate_size": 2 * WIDTH,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_channels": 3,
            "patch_size": PATCH,
            "post_norm": True,
            "rms_norm_eps": 1e-5,
            "spatial_merge_size": 2,
            "temporal_patch_size": 1,
            "use_bias": False,
            "is_causal": False,
        },
    }
    write_json(folder / "config.json", config)
    # The published repository brings the class of its config with it; that is what --trust-remote-code is for.
    (folder / "configuration_dots.py").write_text(
        "from vllm.transformers_utils.configs.dotsocr import DotsOCRConfig, DotsVisionConfig  # noqa: F401\n"
    )
    save_file(dots_weights(), folder / "model.safetensors", metadata={"format": "pt"})
    processor = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "DotsVLProcessor"}
    pixels = {"patch_size": PATCH, "temporal_patch_size": 1, "merge_size": 2}
    limits = {"min_pixels": 3_136, "max_pixels": 11_289_600}
    colours = {"image_mean": IMAGE_MEAN, "image_std": IMAGE_DEVIATION}
    write_json(folder / "preprocessor_config.json", processor | pixels | limits | colours)
    ends = {"eos_token_id": number["<|endofassistant|>"], "pad_token_id": number["<|endoftext|>"]}
    write_json(folder / "generation_config.json", ends)


def write_deepseek_ocr(folder: Path) -> None:
    """`DeepseekOCRForCausalLM`: only its language half can be made small; a page takes 10 to 50 seconds.

    Like the published repository it has no chat template: vLLM has one for it.
    """
    special = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<image>"]  # noqa: RUF001
    special += ["<|grounding|>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<td>", "</td>"]
    begin, end, pad = special[:3]
    number = write_tokenizer(folder, special, end=end, pad=pad, begin=begin)
    language = language_config("DeepseekV2ForCausalLM", "deepseek_v2") | {
        "num_key_value_heads": HEADS,
        "moe_intermediate_size": WIDTH,
        "first_k_dense_replace": 1,
        "n_routed_experts": 4,
        "n_shared_experts": 1,
        "num_experts_per_tok": 2,
        "n_group": 1,
        "topk_group": 1,
        "topk_method": "greedy",
        "kv_lora_rank": None,
        "q_lora_rank": None,
        "qk_nope_head_dim": 0,
        "qk_rope_head_dim": 0,
        "v_head_dim": 0,
        "use_mla": False,
        "bos_token_id": number[begin],
        "eos_token_id": number[end],
        "lm_head": True,
        "rm_head": False,
    }
    sam = {"downsample_channels": [512, 1024], "global_attn_indexes": [2, 5, 8, 11], "heads": 12, "layers": 12}
    clip = {"heads": 16, "image_size": 224, "layers": 24, "patch_size": 14, "width": 1024}
    config = {
        "architectures": ["DeepseekOCRForCausalLM"],
        "model_type": "deepseek_vl_v2",
        "torch_dtype": "bfloat16",
        "candidate_resolutions": [[1024, 1024]],
        "global_view_pos": "head",
        "tile_tag": "2D",
        "projector_config": {
            "input_dim": 2048,
            "model_type": "mlp_projector",
            "n_embed": WIDTH,
            "projector_type": "linear",
        },
        "vision_config": {
            "image_size": 1024,
            "mlp_ratio": 3.7362,
            "model_name": "deeplip_b_l",
            "model_type": "vision",
            "width": {"clip-l-14-224": clip, "sam_vit_b": sam | {"width": 768}},
        },
        "language_config": language,
    }
    write_json(folder / "config.json", config)
    colours = {"normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    tokens = {"image_token": "<image>", "pad_token": pad, "sft_format": "plain", "ignore_id": -100}
    sizes = {"patch_size": 16, "downsample_ratio": 4}
    write_json(folder / "processor_config.json", {"processor_class": "DeepseekOCRProcessor"} | tokens | sizes | colours)


def write_paddleocr_vl(folder: Path) -> None:
    """`PaddleOCRVLForConditionalGeneration`: a SigLIP vision tower and an Ernie 4.5 language model."""
    special = ["<unk>", "<s>", "</s>", "<|begin_of_sentence|>", "<|end_of_sentence|>"]
    special += ["<|IMAGE_PLACEHOLDER|>", "<|IMAGE_START|>", "<|IMAGE_END|>", "<|VIDEO_PLACEHOLDER|>", "<nl>", "<fcel>"]
    image = {"image_token": "<|IMAGE_PLACEHOLDER|>"}
    number = write_tokenizer(folder, special, end="</s>", pad="<unk>", chat_template=PADDLE_TEMPLATE, more=image)
    config = language_config("PaddleOCRVLForConditionalGeneration", "paddleocr_vl") | {
        "head_dim": WIDTH // HEADS,
        "use_bias": False,
        "tie_word_embeddings": False,
        "rope_scaling": {"mrope_section": [4, 6, 6], "rope_type": "default", "type": "default"},
        "image_token_id": number["<|IMAGE_PLACEHOLDER|>"],
        "video_token_id": number["<|VIDEO_PLACEHOLDER|>"],
        "vision_start_token_id": number["<|IMAGE_START|>"],
        "vision_end_token_id": number["<|IMAGE_END|>"],
        "bos_token_id": number["<s>"],
        "eos_token_id": number["</s>"],
        "pad_token_id": number["<unk>"],
        "vision_config": {
            "model_type": "paddleocr_vl",
            "hidden_size": WIDTH,
            "intermediate_size": 2 * WIDTH,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_channels": 3,
            "image_size": 384,
            "patch_size": PATCH,
            "hidden_act": "gelu_pytorch_tanh",
            "layer_norm_eps": 1e-6,
            "spatial_merge_size": 2,
        },
    }
    write_json(folder / "config.json", config)
    processor = {"image_processor_type": "PaddleOCRVLImageProcessor", "processor_class": "PaddleOCRVLProcessor"}
    pixels = {"patch_size": PATCH, "temporal_patch_size": 1, "merge_size": 2}
    limits = {"min_pixels": 112_896, "max_pixels": 1_003_520}
    colours = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    write_json(folder / "preprocessor_config.json", processor | pixels | limits | colours)


def language_config(architecture: str, model_type: str) -> Json:
    """What the configs of all three have in common."""
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 1,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
        "tie_word_embeddings": False,
        "use_cache": True,
        "vocab_size": VOCABULARY,
    }


def dots_weights() -> dict[str, torch.Tensor]:
    """Random, always the same; norms are ones."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator) * WEIGHT_DEVIATION).bfloat16()

    def ones() -> torch.Tensor:
        return torch.ones(WIDTH, dtype=torch.bfloat16)

    weights = {"model.embed_tokens.weight": noise(VOCABULARY, WIDTH), "lm_head.weight": noise(VOCABULARY, WIDTH)}
    weights["model.norm.weight"] = ones()
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        weights |= {at + f"{norm}_layernorm.weight": ones() for norm in ("input", "post_attention")}
        for name, width in {"q": WIDTH, "k": WIDTH // HEADS, "v": WIDTH // HEADS}.items():
            weights |= {at + f"self_attn.{name}_proj.weight": noise(width, WIDTH)}
            weights |= {at + f"self_attn.{name}_proj.bias": noise(width)}
        weights |= {at + "self_attn.o_proj.weight": noise(WIDTH, WIDTH)}
        weights |= {at + f"mlp.{name}_proj.weight": noise(2 * WIDTH, WIDTH) for name in ("gate", "up")}
        weights |= {at + "mlp.down_proj.weight": noise(WIDTH, 2 * WIDTH)}
    tower = "vision_tower."
    weights |= {
        tower + "patch_embed.patchifier.proj.weight": noise(WIDTH, 3, PATCH, PATCH),
        tower + "patch_embed.patchifier.proj.bias": noise(WIDTH),
        tower + "patch_embed.patchifier.norm.weight": ones(),
        tower + "post_trunk_norm.weight": ones(),
        tower + "merger.ln_q.weight": ones(),
        tower + "merger.ln_q.bias": noise(WIDTH),
        tower + "merger.mlp.0.weight": noise(4 * WIDTH, 4 * WIDTH),
        tower + "merger.mlp.0.bias": noise(4 * WIDTH),
        tower + "merger.mlp.2.weight": noise(WIDTH, 4 * WIDTH),
        tower + "merger.mlp.2.bias": noise(WIDTH),
    }
    for layer in range(LAYERS):
        at = f"{tower}blocks.{layer}."
        weights |= {at + f"norm{norm}.weight": ones() for norm in (1, 2)}
        weights |= {at + "attn.qkv.weight": noise(3 * WIDTH, WIDTH), at + "attn.proj.weight": noise(WIDTH, WIDTH)}
        weights |= {at + f"mlp.fc{part}.weight": noise(2 * WIDTH, WIDTH) for part in (1, 3)}
        weights |= {at + "mlp.fc2.weight": noise(WIDTH, 2 * WIDTH)}
    return weights


def write_tokenizer(
    folder: Path,
    special: list[str],
    *,
    end: str,
    pad: str,
    begin: str | None = None,
    chat_template: str | None = None,
    more: Json | None = None,
) -> dict[str, int]:
    """A byte-level tokenizer learned from a few lines; answers the numbers of the special tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
        "bos_token": begin,
        "eos_token": end,
        "pad_token": pad,
        "additional_special_tokens": special,
    }
    write_json(folder / "tokenizer_config.json", config | (more or {}))
    if chat_template:
        (folder / "chat_template.jinja").write_text(chat_template)
    return {token: tokenizer.token_to_id(token) for token in special}


def write_json(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


PARTS = (
    "{{% if m['content'] is string %}}{{{{ m['content'] }}}}{{% else %}}{{% for part in m['content'] %}}"
    "{{% if part['type'] in ('image', 'image_url') %}}{image}{{% else %}}{{{{ part['text'] }}}}{{% endif %}}"
    "{{% endfor %}}{{% endif %}}"
)
"""What one message says, whether its content comes as a string or as a list of parts."""

DOTS_TEMPLATE = (
    "{% for m in messages %}<|user|>"
    + PARTS.format(image="<|img|><|imgpad|><|endofimg|>")
    + "<|endofuser|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
PADDLE_TEMPLATE = (
    "<|begin_of_sentence|>{% for m in messages %}User: "
    + PARTS.format(image="<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>")
    + "\n{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)

WRITERS = {"dots_ocr": write_dots_ocr, "deepseek_ocr": write_deepseek_ocr, "paddleocr_vl": write_paddleocr_vl}

if __name__ == "__main__":
    WRITERS[sys.argv[1]](Path(sys.argv[2]))
