"""Planted nodules as scans to evaluate on: set-aside nodules in lungs no model has learned from.

Hosts and nodules have the same role: *select* to choose by, *test* to be judged by, once. Every
nodule has its twin, and the untouched host stands beside them, asked at the places of the twins.
They are real nodules at made-up places: they rank models; what is found among them is no
sensitivity in patients.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.core.work import digest_of
from triage.errors import Unprocessable
from triage.learn.data.cases import AGREED_READERS, Case, Cube, Role
from triage.learn.data.looks import Looks
from triage.learn.evaluation.material import DataSet, Material, Ready, table_of
from triage.learn.evaluation.noise import noise_hu
from triage.learn.evaluation.tables import ScanKind, ScanTable, Truth, TruthKind
from triage.learn.insertion.pieces import Piece, cut_out
from triage.learn.insertion.planted import Planting, plant
from triage.learn.scans import Scan, load_scan

PER_VOLUME = 11
PLACEMENTS = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be planted.

    Attributes
    ----------
    role : Role
        Select or test.
    placements : int
        How often every nodule is planted in every host, elsewhere each time.
    seed : int
    """

    role: Role
    placements: int = PLACEMENTS
    seed: int = 0


def insertion_set(
    data: DataSet, ask: Ask, looks: Looks | None = None, models: Sequence[str] = ()
) -> list[Material]:
    """Plant the nodules of a role into the hosts of that role.

    Parameters
    ----------
    data : DataSet
    ask : Ask
    looks : Looks, optional
        A look at the test role is written down for each model; select needs none.
    models : sequence of str
        Digests.

    Returns
    -------
    list of Material
        Of each host its planted volumes, then itself, untouched, with the twins' places.

    Raises
    ------
    Unprocessable
        The role has no nodules, or no host whose nodules are all marked.
    """
    hosts, cubes = _opened(data, ask.role, looks, models)
    agreed = [c for c in cubes if c.readers >= AGREED_READERS]
    open_hosts = [h for h in hosts if h.all_marked]
    if not agreed or not open_hosts:
        lacking = "nodule" if not agreed else "host"
        raise Unprocessable(f"the {ask.role} role has no {lacking} to plant with", code="no_scans")
    pieces = [cut_out(cube) for cube in agreed]
    textures = {c.patient: c.texture for c in agreed}
    return [one for host in open_hosts for one in _of_host(data, host, pieces, textures, ask)]


def _opened(
    data: DataSet, role: Role, looks: Looks | None, models: Sequence[str]
) -> tuple[tuple[Case, ...], tuple[Cube, ...]]:
    if role is Role.SELECT:
        opened = data.divided.select()
    elif role is Role.TEST and looks is not None and models:
        for model in models:
            opened = data.divided.test(looks, model=model, purpose="evaluate on planted nodules")
    else:
        raise Unprocessable("planted are select nodules, or test nodules before a counted look")
    return opened.cases, opened.cubes


def _of_host(
    data: DataSet, host: Case, pieces: Sequence[Piece], textures: dict[str, int | None], ask: Ask
) -> Iterator[Material]:
    volume = host.volume()
    noise = noise_hu(volume)
    scan = load_scan(replace(host, pixels=lambda _: volume))
    about = table_of(host)
    places: list[Truth] = []
    for placement in range(ask.placements):
        rng = np.random.default_rng([ask.seed, placement, 7])
        order = [pieces[i] for i in rng.permutation(len(pieces))]
        for part, begin in enumerate(range(0, len(order), PER_VOLUME)):
            chosen = order[begin : begin + PER_VOLUME]
            seed = [ask.seed, placement, part]
            planted = plant(scan.ground, scan.targets, chosen, np.random.default_rng(seed))
            name = f"{host.name}, planting {placement + 1}.{part + 1}"
            truths = [_truth(scan, name, n, p, textures) for n, p in enumerate(planted.plantings)]
            places += [_background(t) for t in truths if t.kind is TruthKind.TWIN]
            table = replace(
                about, scan=f"{host.series_uid}/{placement}.{part}", name=name, lung=host.name,
                kind=ScanKind.INSERTED, truths=(*about.truths, *truths),
            )  # fmt: skip
            # Planted again when it is read: all volumes at once would not fit into memory.
            again = functools.partial(_planted, scan, chosen, seed, noise)
            yield Material(table, _digest(data, table), again)
    name = f"{host.name}, untouched"
    untouched = replace(
        about, scan=f"{host.series_uid}/untouched", name=name, kind=ScanKind.UNTOUCHED,
        truths=(*about.truths, *places),
    )  # fmt: skip
    yield Material(untouched, _digest(data, untouched), lambda: Ready(scan.prepared, noise))


def _planted(scan: Scan, pieces: Sequence[Piece], seed: list[int], noise: float | None) -> Ready:
    laid = plant(scan.ground, scan.targets, pieces, np.random.default_rng(seed))
    return Ready(replace(scan.prepared, tensor=laid.volume[None, None]), noise)


def _digest(data: DataSet, table: ScanTable) -> str:
    return digest_of([data.digest, table.scan, repr(table.truths)])


def _truth(
    scan: Scan, name: str, number: int, planting: Planting, textures: dict[str, int | None]
) -> Truth:
    x, y, z = (float(v) for v in scan.prepared.to_lps_mm(planting.target.zyx))
    texture = textures[planting.patient]
    return Truth(
        id=f"{name} {number}",
        kind=TruthKind.TWIN if planting.twin else TruthKind.NODULE,
        center_lps_mm=(x, y, z),
        diameter_mm=planting.target.diameter_mm,
        patient=planting.patient,
        texture=None if texture is None else float(texture),
        hangs_on=planting.hangs_on.value,
    )


def _background(twin: Truth) -> Truth:
    return replace(twin, id=f"{twin.id} untouched", kind=TruthKind.BACKGROUND)
