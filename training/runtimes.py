"""Other programs to run Kefu's network with, so that ``bench_runtimes`` can tell whether one would serve better.

Each is an object that an ``NluModel`` calls as it calls its network: what surrounds the forward pass (tokens, tags,
ranking) is the same for all. The packages are those of ``runtimes.txt``, which Kefu itself never imports.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from nlu import int8
from nlu.encoder import Layer
from nlu.folder import TOKENIZER, read_manifest, read_network
from nlu.model import NluModel
from nlu.network import Network, Scores
from nlu.tokens import Packed, TextEncoder, pack

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Runtime: TypeAlias = Callable[[Network, Path, int], Any]
"""Makes of the float32 network, the folder of ``prepare`` and a number of threads what an ``NluModel`` can call."""

_INPUTS = ("ids", "known")
_OUTPUTS = ("pooled", "classes", "tags", "roles", "groups")
_OPSET = 17
_CALIBRATION_BATCH = 8


def model_on(runtime: str, folder: Path, prepared: Path, threads: int) -> NluModel:
    """The model in ``folder``, its network run by a runtime of ``RUNTIMES``. Raises what the runtime does."""
    torch.set_num_threads(threads)
    manifest = read_manifest(folder)
    network = RUNTIMES[runtime](read_network(folder, manifest), prepared, threads)
    encoder = TextEncoder.load(folder / TOKENIZER, max_tokens=manifest.max_tokens, spells=bool(manifest.kinds))
    return NluModel(manifest, network, encoder, torch.device("cpu"))


def prepare(folder: Path, prepared: Path, texts: Sequence[str]) -> None:
    """Write what the other runtimes load: graphs in float32 and in 8 bits, of which one is calibrated on ``texts``."""
    manifest = read_manifest(folder)
    if manifest.heads.patterns:
        raise ValueError(f"{folder} uses patterns, which the exported graph has no input for")
    padded = Padded(read_network(folder, manifest))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs two more packages for the same graph
        torch.onnx.export(
            padded,
            (torch.ones(2, 9, dtype=torch.long), torch.ones(2, 9)),
            prepared / "float32.onnx",
            input_names=list(_INPUTS),
            output_names=list(_OUTPUTS),
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in _INPUTS},
            opset_version=_OPSET,
            dynamo=False,
        )
    quantization = import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(
        prepared / "float32.onnx",
        prepared / "int8.onnx",
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gemm"],
    )
    encoder = TextEncoder.load(folder / TOKENIZER, max_tokens=manifest.max_tokens)
    batches = [texts[at : at + _CALIBRATION_BATCH] for at in range(0, len(texts), _CALIBRATION_BATCH)]
    _prepare_openvino(prepared, [table_of(pack(encoder.encode(batch))) for batch in batches])


def _prepare_openvino(prepared: Path, tables: Sequence[Arrays]) -> None:
    """8 bits in two ways: weights and activations by calibration (static), and weights alone."""
    openvino, nncf = import_module("openvino"), import_module("nncf")
    nncf.set_log_level(40)
    read = openvino.Core().read_model
    calibrated = nncf.quantize(
        read(prepared / "float32.onnx"),
        nncf.Dataset([dict(table) for table in tables]),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(tables),
    )
    openvino.save_model(calibrated, prepared / "static.xml")
    narrow = nncf.compress_weights(read(prepared / "float32.onnx"), mode=nncf.CompressWeightsMode.INT8_SYM)
    openvino.save_model(narrow, prepared / "narrow.xml")


class Padded(nn.Module):
    """The whole network on a table of texts, as graph compilers like it best. Same weights, same result."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def forward(self, ids: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """ids (texts, tokens) int64; known (texts, tokens), 1 for a token and 0 for filler. The parts of ``Scores``."""
        network, encoder = self._network, self._network.encoder
        texts, tokens = ids.shape
        hidden = ((known - 1.0) * 1e9)[:, None, None, :]
        rows = encoder.norm(encoder.words(ids).float() + encoder.places.weight[:tokens].float())
        for layer in cast(Iterable[Layer], encoder.layers):
            parts = layer.qkv(rows).chunk(3, dim=-1)
            query, key, value = (part.view(texts, tokens, layer.heads, -1).transpose(1, 2) for part in parts)
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=hidden)
            rows = layer.norm_attention(rows + layer.out(seen.transpose(1, 2).flatten(2)))
            rows = layer.norm_output(rows + layer.down(functional.gelu(layer.up(rows))))
        pooled = (rows * known[:, :, None]).sum(1) / known.sum(1, keepdim=True)
        return pooled, network.intent(pooled), network.tag(rows), network.role(rows), network.group(rows)


def table_of(packed: Packed) -> dict[str, NDArray[Any]]:
    """The inputs of ``Padded``, one reading a row."""
    shape = len(packed.lengths), int(packed.lengths.max())
    places = packed.reading.numpy(), packed.positions.numpy()
    ids, known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    ids[places], known[places] = packed.ids.numpy(), 1.0
    return {"ids": ids, "known": known}


def session(run: Callable[[Arrays], Sequence[NDArray[Any]]]) -> Callable[[Packed, None], Scores]:
    """A compiled graph in the place of a network without patterns."""

    def scores(packed: Packed, _: None) -> Scores:
        pooled, classes, *by_token = (torch.from_numpy(part) for part in run(table_of(packed)))
        texts = len(packed.sizes)
        tags, roles, groups = (part[packed.reading, packed.positions] for part in by_token)
        return Scores(pooled=pooled[:texts], classes=classes[:texts], tags=tags, roles=roles, groups=groups)

    return scores


def _ours(network: Network, _: Path, __: int) -> Any:
    int8.with_int8_layers(network.encoder.layers)
    return network


def _bfloat16(network: Network, _: Path, __: int) -> Any:
    def run(packed: Packed, patterns: torch.Tensor | None) -> Scores:
        with torch.autocast("cpu", torch.bfloat16):
            scores: Scores = network(packed, patterns)
        return scores

    return run


def _torchao(network: Network, _: Path, __: int) -> Any:
    torchao = import_module("torchao.quantization")
    torchao.quantize_(network.encoder.layers, torchao.Int8DynamicActivationInt8WeightConfig())
    return network


def _onnxruntime(graph: str) -> Runtime:
    def made(_: Network, prepared: Path, threads: int) -> Any:
        onnxruntime = import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graphs = onnxruntime.InferenceSession(prepared / graph, options, providers=["CPUExecutionProvider"])
        return session(lambda table: graphs.run(list(_OUTPUTS), dict(table)))

    return made


def _openvino(graph: str, **settings: Any) -> Runtime:
    def made(_: Network, prepared: Path, threads: int) -> Any:
        openvino = import_module("openvino")
        hints = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32", **settings}
        request = openvino.Core().compile_model(prepared / graph, "CPU", hints).create_infer_request()

        def run(table: Arrays) -> Sequence[NDArray[Any]]:
            found = request.infer(dict(table))
            return [found[name] for name in _OUTPUTS]

        return session(run)

    return made


RUNTIMES: Mapping[str, Runtime] = {
    "torch float32": lambda network, _, __: network,
    "torch bfloat16": _bfloat16,
    "torch 8 bits (Kefu's)": _ours,
    "torchao 8 bits": _torchao,
    "ONNX Runtime float32": _onnxruntime("float32.onnx"),
    "ONNX Runtime 8 bits": _onnxruntime("int8.onnx"),
    "OpenVINO float32": _openvino("float32.onnx"),
    "OpenVINO bfloat16": _openvino("float32.onnx", INFERENCE_PRECISION_HINT="bf16"),
    "OpenVINO 8-bit weights": _openvino("narrow.xml", DYNAMIC_QUANTIZATION_GROUP_SIZE="384"),
    "OpenVINO 8 bits, calibrated": _openvino("static.xml"),
}
"""By the name in the table of results."""
