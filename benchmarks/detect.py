"""`triage bench detect`: one real series of about 300 slices, cold and warm, stage by stage.

LUNGx-CT003 (332 slices; a phantom, where the real CTs are not at hand) as it lies in the archive,
JPEG-LS, and beside it the same slices uncompressed. *Cold* is the command in a new process, from
its start to its end, with files in the page cache. *Warm* is a process that stays and is asked
again: the command itself never stays, so warm is the same function called again in one process,
which is what a worker does. *Parsed* begins with the decoded volume in memory. Each is told with
processor time and load: on a shared machine the wall clock tells of the neighbours, too.

    python -m benchmarks.detect            all of it; rows in results/detect.jsonl
    python -m benchmarks.detect warm PATH  the warm part alone, as JSON
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from benchmarks import record
from tests.conftest import find_shared_data
from triage.detect import folder, nodule, runtimes, tiles
from triage.detect.model_folder import locate, open_model
from triage.detect.nodule import Detector
from triage.detect.pixels import load_volume
from triage.detect.prepare import prepare
from triage.detect.series import assess
from triage.settings import RuntimeChoice

CASE = "LUNGx-CT003"
COLD_ROUNDS, WARM_ROUNDS, MODEL_ROUNDS = 3, 6, 4
#: The command, and then the most memory it held: a child's own peak, not that of who started it.
_COLD = """
import sys
from triage import cli
try:
    cli.app(["detect", sys.argv[1], "--json"])
except SystemExit as ended:
    status = open("/proc/self/status").read().split("VmHWM:")[1]
    print(status.split()[0], ended.code, file=sys.stderr)
"""
#: model.md, section 5, and the two cold ones: seconds and MB on two idle cores, uncompressed.
AIMS = {"cold_s": 4.0, "warm_s": 1.5, "parsed_s": 0.8, "peak_mb": 700.0}


def main() -> int:
    """Measure, print, record."""
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as name:
        source, inputs = _inputs(Path(name))
        for encoding, path in inputs.items():
            row = {"source": source, "encoding": encoding, "slices": len(list(path.iterdir()))}
            row |= _cold(path) | _warm_apart(path)
            _print(row)
            record.write("detect", row)
    return 0


def _inputs(into: Path) -> tuple[str, dict[str, Path]]:
    """The slices in both encodings."""
    shared = find_shared_data()
    if shared is None:
        from triage.phantom import dicom

        dicom.make(into / "phantom", 1, 4, 332)
        source, files = "phantom", sorted((into / "phantom").rglob("*.dcm"))
    else:
        (into / "zip").mkdir()
        source = CASE
        files = list(folder.unpack(shared / "series" / f"{CASE}.zip", into / "zip"))
    uncompressed, jpeg_ls = into / "uncompressed", into / "jpeg-ls"
    uncompressed.mkdir()
    jpeg_ls.mkdir()
    for file in files:
        dataset = dcmread(file)
        if dataset.file_meta.TransferSyntaxUID != JPEGLSLossless:
            dataset.compress(JPEGLSLossless, generate_instance_uid=False)
        dataset.save_as(jpeg_ls / file.name)
        dataset.decompress(generate_instance_uid=False)
        dataset.save_as(uncompressed / file.name)
    return source, {"uncompressed": uncompressed, "JPEG-LS": jpeg_ls}


def _cold(path: Path) -> dict[str, Any]:
    """New processes, one after the other."""
    wall, cpu, peaks = [], [], []
    for _ in range(COLD_ROUNDS):
        before, start = os.times(), time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-c", _COLD, str(path)], capture_output=True, text=True, check=True
        )
        wall.append(time.perf_counter() - start)
        after = os.times()
        cpu.append(
            after.children_user + after.children_system
            - before.children_user - before.children_system
        )  # fmt: skip
        peak_kb, code = ended.stderr.split()[-2:]
        assert code == "0", ended.stderr
        peaks.append(int(peak_kb) / 1000)
    return {"cold_s": _spread(wall), "cold_cpu_s": _spread(cpu), "cold_peak_mb": max(peaks)}


def _warm_apart(path: Path) -> dict[str, Any]:
    """The warm part in a process of its own, so that its memory is its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.detect", "warm", str(path)],
        cwd=record.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    measured: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def warm(path: Path) -> dict[str, Any]:
    """One process, asked again and again.

    Parameters
    ----------
    path : Path
        A folder with one series.

    Returns
    -------
    dict
        Seconds as smallest and median; stages of the fastest round; peak in MB before and after
        the comparison with ONNX Runtime.
    """
    model = open_model(locate())
    detector = Detector(model, runtimes.choose(RuntimeChoice.AUTO, model))
    nodule.look_at(path, detector)  # the round that warms up
    rounds: list[dict[str, float]] = []

    def ask() -> None:
        rounds.append(nodule.look_at(path, detector)["timings_s"])

    wall, cpu = _timed(ask, WARM_ROUNDS)
    measured: dict[str, Any] = {
        "runtime": detector.runtime.name,
        "warm_s": _spread(wall),
        "warm_cpu_s": _spread(cpu),
        "warm_stages_s": min(rounds, key=lambda stages: stages["total"]),
    }
    found, _ = folder.read_files(sorted(path.iterdir()))
    ((uid, slices),) = found.items()
    judged = assess(uid, slices)
    by_uid = {s.sop_uid: s for s in slices}
    volume = load_volume([by_uid[u] for u in judged.sop_uids], Path)
    wall, cpu = _timed(lambda: nodule.detect(volume, judged, detector), WARM_ROUNDS)
    measured |= {"parsed_s": _spread(wall), "parsed_cpu_s": _spread(cpu)}
    measured["warm_peak_mb"] = _peak_mb()
    return measured | _against_onnx(detector, prepare(volume).tensor)


def _against_onnx(detector: Detector, tensor: Any) -> dict[str, Any]:
    """The served runtime and ONNX Runtime fp32 on the same volume, turn by turn."""
    other = runtimes.start("onnx-f32", detector.model)
    seconds: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    for _ in range(MODEL_ROUNDS):
        for runtime in (detector.runtime, other):
            wall, used = _timed(partial(tiles.run, runtime, tensor), 1)
            seconds.setdefault(runtime.name, []).extend(wall)
            cpu.setdefault(runtime.name, []).extend(used)
    served = detector.runtime.name
    return {
        "model_s": {name: _spread(values) for name, values in seconds.items()},
        "times_faster_than_onnx_f32": round(min(seconds["onnx-f32"]) / min(seconds[served]), 2),
        "times_less_cpu": round(min(cpu["onnx-f32"]) / min(cpu[served]), 2),
    }


def _timed(work: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    wall, cpu = [], []
    for _ in range(rounds):
        start, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return wall, cpu


def _spread(values: Iterable[float]) -> list[float]:
    """Smallest and median."""
    kept = list(values)
    return [round(min(kept), 3), round(statistics.median(kept), 3)]


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def _print(row: dict[str, Any]) -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{row['source']}, {row['slices']} slices, {row['encoding']}, {row['runtime']}")
    print(f"{os.cpu_count()} cores, load {load}; seconds: least, median (processor time, least)")
    for name, label in (
        ("cold", "cold: a new process, start to end"),
        ("warm", "warm: a resident process asked again"),
        ("parsed", "decoded volume to findings"),
    ):
        least, median = row[f"{name}_s"]
        used = row[f"{name}_cpu_s"][0]
        print(f"  {label:<38}{least:6.2f} {median:6.2f} ({used:.2f}){_aim(row, f'{name}_s')}")
    stages = ", ".join(f"{name} {s:.2f}" for name, s in row["warm_stages_s"].items())
    print(f"  {'fastest warm round':<38}{stages}")
    cold_mb, warm_mb = row["cold_peak_mb"], row["warm_peak_mb"]
    kept = "kept" if max(cold_mb, warm_mb) <= AIMS["peak_mb"] else "missed"
    peaks = f"{cold_mb:6.0f} {warm_mb:6.0f} MB  aim {AIMS['peak_mb']:.0f}: {kept}"
    print(f"  {'peak memory, cold and warm':<38}{peaks}")
    times, less = row["times_faster_than_onnx_f32"], row["times_less_cpu"]
    print(
        f"  {'model, times faster than ONNX fp32':<38}{times:6.2f} ({less:.2f} by processor time)"
    )


def _aim(row: dict[str, Any], name: str) -> str:
    """The aims are for uncompressed slices; JPEG-LS is told beside them."""
    if row["encoding"] != "uncompressed" and name != "parsed_s":
        return ""
    return f"  aim {AIMS[name]}: {'kept' if row[name][0] <= AIMS[name] else 'missed'}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["warm"]:
        print(json.dumps(warm(Path(sys.argv[2]))))
        raise SystemExit(0)
    raise SystemExit(main())
