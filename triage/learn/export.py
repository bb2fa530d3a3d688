"""Write a trained network as a model folder: ONNX, trainable weights, metadata, self-test, digests.

    python -m triage.learn.export runs/nodule-s models/nodule-s --point runs/operating_point.json

The same weights always give the same bytes. The self-test tile is made of smooth noise and two
balls: it holds no patient's pixels.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tempfile
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import torch
import typer
from scipy import ndimage
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from triage.detect import decode as decode_module
from triage.detect import prepare as prepare_module
from triage.detect.lungs import Float32Array
from triage.detect.resample import GRID_MM
from triage.learn.checkpoint import network_of
from triage.learn.mining import TorchRuntime
from triage.learn.networks import CHANNELS, Detector, laid_out

OPSET = 18
INPUT, OUTPUT = "image", "answer"
TILE = 64
VERSION = "0.1.0"
#: No answer depends on voxels farther away.
RECEPTIVE_RADIUS = 63


def main(
    run: Annotated[Path, typer.Argument(help="Run of triage.learn.train.")],
    out: Annotated[Path, typer.Argument(help="Model folder.")],
    point: Annotated[Path, typer.Option(help="Output of figures choose.")] = Path(
        "runs/operating_point.json"
    ),
    weights: str = "model.safetensors",
) -> None:
    """Export one run."""
    network = network_of(run, weights)
    (out / "configs").mkdir(parents=True, exist_ok=True)
    content, trainable = to_onnx(network), (run / weights).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    (out / "model.onnx").write_bytes(content)
    (out / "model.safetensors").write_bytes(trainable)
    promised = f"{digest}  model.onnx\n{hashlib.sha256(trainable).hexdigest()}  model.safetensors\n"
    (out / "sha256").write_text(promised)
    tile = self_test_tile()
    (out / "selftest.npz").write_bytes(self_test(network, tile))
    described = json.loads((run / "run.json").read_text())
    facts = metadata(described, json.loads(point.read_text()), digest, out.name)
    (out / "configs" / "metadata.json").write_text(json.dumps(facts, indent=2) + "\n")
    typer.echo(f"{out}: {len(content)} bytes, sha256 {digest}")


def to_onnx(network: Detector) -> bytes:
    """The network as ONNX with free z, y, x, batch norms folded into the convolutions.

    Parameters
    ----------
    network : Detector

    Returns
    -------
    bytes
        Without names of files or machines, so that equal weights give equal bytes.
    """
    folded = fold(network)
    free = dict(zip((2, 3, 4), "zyx", strict=True))
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file, warnings.catch_warnings():
        # The newer exporter writes paths of the source files into the graph; torch is pinned.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            folded,
            (torch.zeros(1, 1, TILE, TILE, TILE),),
            file.name,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: free, OUTPUT: {a: f"{n}_cells" for a, n in free.items()}},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(file.name)
    for node in model.graph.node:
        node.doc_string = ""
    model.producer_name, model.producer_version = "triage", VERSION
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def fold(network: Detector) -> nn.Module:
    """A copy with each batch norm folded into the convolution before it."""
    copied = laid_out(copy.deepcopy(network).eval(), torch.contiguous_format)
    for module in list(copied.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            first, second = module[i], module[i + 1]
            if isinstance(first, nn.Conv3d) and isinstance(second, nn.BatchNorm3d):
                module[i] = fuse_conv_bn_eval(first, second)
                module[i + 1] = nn.Identity()
    return copied


def self_test_tile() -> Float32Array:
    """Lung-like smooth noise with two balls, shape (1, 1, 64, 64, 64), 256 steps of 0..1.

    The same for ever.
    """
    rng = np.random.default_rng(20260101)
    texture = ndimage.gaussian_filter(rng.standard_normal((TILE,) * 3), 1.5)
    tile = 0.1 + 0.25 * np.abs(texture / texture.std()) / 3.0
    grid = np.stack(np.meshgrid(*[np.arange(TILE)] * 3, indexing="ij")).astype(float)
    for center, radius in (((20, 24, 40), 5.0), ((44, 40, 20), 9.0)):
        distance = np.sqrt(((grid - np.array(center).reshape(3, 1, 1, 1)) ** 2).sum(0))
        tile = np.maximum(tile, 0.72 * np.clip((radius + 1.0 - distance) / 2.0, 0.0, 1.0))
    grey = np.rint(np.clip(tile, 0.0, 1.0) * 255).astype(np.float32) / np.float32(255)
    return np.asarray(grey, dtype=np.float32)[None, None]


def self_test(network: Detector, tile: Float32Array) -> bytes:
    """An npz with ``tile`` and torch's ``answer`` to it, both float32."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, tile=tile, answer=TorchRuntime(network).infer(tile))
    return buffer.getvalue()


def metadata(run: dict[str, Any], point: dict[str, Any], digest: str, name: str) -> dict[str, Any]:
    """Everything the clinic and the card need to know, MONAI-bundle keys first."""
    return {
        "version": VERSION,
        "pytorch_version": run["torch"],
        "numpy_version": np.__version__,
        "name": name,
        "task": "Detection of lung nodules on chest CT",
        "description": "Plain 3D convolutions, 0.65 M parameters: centre heat map, size, offset.",
        "intended_use": "Research. Not a cleared medical device; every mark is for a reader.",
        "copyright": "Apache-2.0 (weights and code); data see docs/README.md",
        "data_source": "LIDC-IDRI and SPIE-AAPM Lung CT Challenge (LUNGx), CC BY 3.0",
        "sha256": digest,
        "network_data_format": data_format(),
        "decode": point["decode"],
        "calibration": point["evidence"],
        "training": {
            "leave_out": run["leave_out"],
            "never_trained": ["LIDC-IDRI-0050"],
            "steps": run["steps"],
            "batch": run["batch"],
            "seed": run["seed"],
            "scans": run["scans"],
            "cube_patients": run["cube_patients"],
            "patients": run.get("patients", []),
            "series_uids": run.get("series_uids", []),
            "select_patients": run["select_patients"],
            "split_digest": run["split_digest"],
        },
    }


def data_format() -> dict[str, Any]:
    """What goes in and what comes out."""
    low = prepare_module.HU_LOW
    return {
        "inputs": {
            INPUT: {
                "type": "image",
                "format": "hounsfield",
                "modality": "CT",
                "num_channels": 1,
                "spatial_shape": ["8*z", "8*y", "8*x"],
                "axes": ["batch", "channel", "z", "y", "x"],
                "spacing_mm": [GRID_MM] * 3,
                "dtype": "float32",
                "value_range": [0, 1],
                "normalisation": {
                    "hu_low": low,
                    "hu_high": low + prepare_module.HU_RANGE,
                    "formula": "clip((HU - hu_low) / (hu_high - hu_low), 0, 1)",
                },
                "side_multiple": prepare_module.SIDE_MULTIPLE,
                "is_patch_data": False,
            }
        },
        "outputs": {
            OUTPUT: {
                "type": "maps",
                "num_channels": decode_module.CHANNELS,
                "spatial_shape": ["2*z", "2*y", "2*x"],
                "stride": decode_module.STRIDE,
                "cell_center": "cell i answers for voxel stride * i",
                "receptive_field_radius_voxels": RECEPTIVE_RADIUS,
                "dtype": "float32",
                "channel_def": {str(i): channel for i, channel in enumerate(CHANNELS)},
            }
        },
    }


if __name__ == "__main__":
    typer.run(main)
