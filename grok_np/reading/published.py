"""Networks that others trained, by their own weight names, as models and parameters of this package.

Known: the transformers of Nanda et al. 2023 (progress-measures-paper) and of Zhong et al. 2023 (pizza), which share
their names; TransformerLens; the "linear" models of Zhong et al. (alpha to delta and x); the article's MLP (PAIR
notebook); the two-layer MLPs of He et al. 2026 (arXiv 2602.16849). Published code often stores matrices transposed
(out, in); they are turned to our x @ W here, once.

Files: .npz, .safetensors and, where PyTorch is installed, .pt and .pth read with ``weights_only``. No pickle is ever
loaded: anything that needs one is refused.

Read next: `figures`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grok_np.errors import require, require_choice, require_type
from grok_np.files import read_npz
from grok_np.networks.deep import DeepMLP, DeepTransformer
from grok_np.networks.mlp import MLP
from grok_np.networks.transformer import Transformer


class Published(NamedTuple):
    """A loaded network; ``model`` and ``params`` work like any of this package."""

    model: Any
    params: dict
    train_mask: np.ndarray | None  # (p, p) bool, True for the training pairs, where they are known
    extra: dict  # the other arrays (loss curves, say) under the authors' names
    config: dict  # the authors' settings


class PublishedError(ValueError):
    """A file or set of weights that is not one of the known kinds, or is damaged; the message says what is missing."""


def load(source: Any, config: dict | None = None) -> Published:
    """A `Published` network from a file, or from a mapping of the authors' weight names to arrays.

    ``source``: the path of a .npz, .safetensors, .pt or .pth file, or a dict of arrays. ``config``: the authors'
    settings, of which is read what the shapes do not tell: ``p`` or ``C`` (modulus), ``act_fn``, ``attn_coeff``
    (attention rate), ``causal_mask``. A file may carry it itself.

    Raises `PublishedError` if the file is of another kind, damaged, or would need pickle, or holds no known network.
    """
    if isinstance(source, str | Path):
        arrays, config = read(Path(source), config)
    else:
        require_type(source, "source", str, Path, Mapping)
        arrays = {name: np.asarray(array) for name, array in source.items()}
    config = {} if config is None else config
    if not isinstance(config, dict):
        raise PublishedError(f"config must be a dict, got {config!r}")
    for recognise, convert in CONVERTERS:
        if recognise(arrays):
            try:
                model, params = convert(arrays, config)
            except KeyError as error:
                raise PublishedError(f"weights look like {convert.__name__[1:]} but {error} is missing") from None
            except (ValueError, TypeError, IndexError) as error:
                raise PublishedError(f"weights look like {convert.__name__[1:]} but do not fit: {error}") from None
            shapes = {name: W.shape for name, W in params.items()}
            if shapes != model.shapes or any(W.dtype.kind != "f" for W in params.values()):
                raise PublishedError(f"weights do not fit together: they have {shapes}, {model} needs {model.shapes}")
            extra = {name: array for name, array in arrays.items() if name == name.lower() and "." not in name
                     and name not in ("train_mask", "embed", "hidden_w", "out_w")}
            train_mask = arrays.get("train_mask")
            if train_mask is not None and (train_mask.dtype != bool or train_mask.shape != (model.p, model.p)):
                raise PublishedError(f"train_mask must be bool of shape {(model.p, model.p)}, it is {train_mask.dtype} "
                                     f"of shape {train_mask.shape}")
            return Published(model, params, train_mask, extra, config)
    raise PublishedError(f"no known network has weights named {sorted(arrays)[:8]}")


def read(path, config=None):
    """Arrays and settings of a file, by its suffix; a given ``config`` comes before the file's own."""
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors, ".pt": _read_torch, ".pth": _read_torch}
    if path.suffix not in readers:
        raise PublishedError(f"{path} is none of {', '.join(readers)}; files that need pickle are not loaded")
    try:
        arrays, own = readers[path.suffix](path)
    except PublishedError:
        raise
    except FileNotFoundError:
        raise PublishedError(f"{path} does not exist") from None
    except Exception as error:  # damaged bytes call up all kinds: of json, of NumPy, of PyTorch
        raise PublishedError(f"{path} is damaged or needs pickle, which is not loaded: {error}") from None
    return arrays, config or own


def _read_npz(path):
    arrays = read_npz(path)
    config = arrays.pop("config", None)
    return arrays, {} if config is None else json.loads(str(config))


SAFETENSORS_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "|b1"}


def _read_safetensors(path):
    """The format: eight bytes with the length of a JSON header, the header (dtype, shape, offsets), the raw numbers."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise PublishedError(f"{path} is cut off: its header of {size} bytes is longer than the file")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        if entry["dtype"] not in SAFETENSORS_DTYPES:
            raise PublishedError(f"{path}: {name} is of type {entry['dtype']}; known are {list(SAFETENSORS_DTYPES)}")
        start, end = entry["data_offsets"]
        if not 0 <= start <= end <= len(body):
            raise PublishedError(f"{path} is cut off: {name} ends at byte {end} of {len(body)}")
        array = np.frombuffer(body[start:end], SAFETENSORS_DTYPES[entry["dtype"]])
        arrays[name] = array.reshape(entry["shape"])
    return arrays, json.loads(metadata.get("config", "{}"))


def _read_torch(path):
    """A state dict of tensors, bare or under the key "model"; ``weights_only`` lets nothing else through."""
    try:
        import torch
    except ImportError:
        raise PublishedError(f"{path} needs PyTorch to be read: install it, or save the weights as .npz") from None
    import pickle

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise PublishedError(f"{path} holds more than tensors, or is damaged: {str(error).splitlines()[0]}") from None
    state = state.get("model", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise PublishedError(f"{path} holds no dict of tensors")
    return {name: value.numpy() for name, value in state.items()}, {}


ACTIVATION_NAMES = {"relu": "relu", "gelu": "gelu", "quad": "square", "square": "square"}


def _activation(config, default="relu"):
    name = str(config.get("act_fn", default)).lower()
    require_choice(name, "config['act_fn']", ACTIVATION_NAMES)
    return ACTIVATION_NAMES[name]


def _transformer(arrays, config):
    """Nanda et al., Zhong et al. and TransformerLens: the same names, but the first two store most matrices turned."""
    lens = arrays["blocks.0.attn.W_O"].ndim == 3
    biases = [name for name, array in arrays.items() if name.rsplit(".", 1)[-1] in ("b_Q", "b_K", "b_V", "b_O", "b_U")
              and np.any(array)]
    if biases or any(".ln" in name for name in arrays):
        raise PublishedError(f"attention biases and layer norms are not in our transformer, got {biases or 'ln'}")
    turn = (lambda W: W) if lens else (lambda W: W.mT)
    params = {"W_E": turn(arrays["embed.W_E"]), "W_pos": arrays["pos_embed.W_pos"]}
    depth = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("blocks."))
    for layer in range(depth):
        block, suffix = f"blocks.{layer}.", f".{layer}" if depth > 1 else ""
        W = {name: turn(arrays[f"{block}attn.{name}"]) for name in ("W_Q", "W_K", "W_V", "W_O")}
        W["W_O"] = W["W_O"].reshape(len(W["W_Q"]), -1, W["W_O"].shape[-1])
        if f"{block}mlp.W_in" in arrays:
            W |= {"W_in": turn(arrays[f"{block}mlp.W_in"]), "b_in": arrays[f"{block}mlp.b_in"],
                  "W_out": turn(arrays[f"{block}mlp.W_out"]), "b_out": arrays[f"{block}mlp.b_out"]}
        params |= {name + suffix: array for name, array in W.items()}
    params["W_U"] = arrays["unembed.W_U"]
    d_vocab, d_model = params["W_E"].shape
    p = config.get("p", config.get("C"))
    require(p is not None, "config", config, "a dict with the modulus as 'p' or 'C'")
    equals = len(params["W_pos"]) == 3
    kind = Transformer if depth == 1 else DeepTransformer
    model = kind(p=p, d_model=d_model, n_heads=len(arrays["blocks.0.attn.W_Q"]),
                 d_mlp=arrays["blocks.0.mlp.b_in"].shape[0] if "blocks.0.mlp.b_in" in arrays else 0,
                 activation=_activation(config), layout="a b =" if equals else "a b",
                 attention_rate=float(config.get("attn_coeff", 1.0)), separate_vocabularies=d_vocab - equals == 2 * p,
                 causal=bool(config.get("causal_mask", lens)), **({} if depth == 1 else {"n_layers": depth}))
    return model, {name: params[name] for name in model.shapes}


def _linear(arrays, config):
    """Zhong et al.'s models without attention; PyTorch's Linear stores (out, in)."""
    W_in, b_in = arrays["l1.weight"].T, arrays["l1.bias"]
    W_out, tables = arrays["unembed.weight"].T, [name for name in arrays if name.startswith("embed")]
    p, d_embed = arrays[tables[0]].shape
    model = {"p": p, "d_embed": d_embed, "n_hidden": len(b_in)}
    if "l2.weight" in arrays:
        gamma = config.get("model_type") == "C"  # gamma applies l1 to each embedding before adding, so its bias twice
        return DeepMLP(**model), {
            "W_E": arrays["embed.weight"], "W_in": W_in, "b_in": 2 * b_in if gamma else b_in,
            "W_hidden": arrays["l2.weight"].T, "b_hidden": arrays["l2.bias"], "W_out": W_out}
    last = {"W_out": W_out, "b_in": b_in}
    if len(tables) == 2:
        return MLP(**model, bias=True, factoring="two_embeddings"), {
            "W_E_a": arrays["embed1.weight"], "W_E_b": arrays["embed2.weight"], "W_in": W_in, **last}
    if len(W_in) == 2 * d_embed:
        return MLP(**model, bias=True, factoring="concatenated"), {
            "W_E": arrays["embed.weight"], "W_in_a": W_in[:d_embed], "W_in_b": W_in[d_embed:], **last}
    return MLP(**model, bias=True, factoring="collapsed_output"), {"W_E": arrays["embed.weight"], "W_in": W_in, **last}


def _article(arrays, config):
    """The explorable article's tied MLP, in our orientation already."""
    p, d_embed = arrays["embed"].shape
    model = MLP(p, d_embed, arrays["hidden_w"].shape[1])
    return model, {"W_E": arrays["embed"], "W_in": arrays["hidden_w"], "W_out": arrays["out_w"]}


def _two_layer(arrays, config):
    """He et al. 2026: act(W_in (e_a + e_b)) and W_out, stored (out, in), on one-hot vectors or an embedding."""
    W_in, W_out = arrays["mlp.W_in"].T, arrays["mlp.W_out"].T
    common = {"p": W_out.shape[1], "n_hidden": len(W_out), "activation": _activation(config)}
    if "embed.W_E" in arrays:
        W_E = arrays["embed.W_E"].T
        model = MLP(**common, d_embed=W_E.shape[1], factoring="collapsed_output")
        return model, {"W_E": W_E, "W_in": W_in, "W_out": W_out}
    return MLP(**common, factoring="collapsed"), {"W_in": W_in, "W_out": W_out}


CONVERTERS = (
    (lambda arrays: "blocks.0.attn.W_O" in arrays, _transformer),
    (lambda arrays: "l1.weight" in arrays, _linear),
    (lambda arrays: {"embed", "hidden_w", "out_w"} <= arrays.keys(), _article),
    (lambda arrays: "mlp.W_in" in arrays, _two_layer),
)
