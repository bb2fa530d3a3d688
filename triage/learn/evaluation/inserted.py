"""Planted nodules as scans to evaluate on: set-aside nodules in lungs no model has learned from.

Hosts and nodules have the same role: *select* to choose by, *test* to be judged by, once. Every
nodule has its twin, and the untouched host stands beside them, asked at the places of the twins.
They are real nodules at made-up places: they rank models; what is found among them is no
sensitivity in patients.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.core.work import digest_of
from triage.detect.prepare import HU_RANGE
from triage.errors import Unprocessable
from triage.learn.data.cases import Case, Cube, Role
from triage.learn.data.looks import Looks
from triage.learn.evaluation.material import DataSet, Material, Ready, table_of
from triage.learn.evaluation.tables import ScanKind, ScanTable, Truth, TruthKind
from triage.learn.insertion.pieces import Piece, cut_out
from triage.learn.insertion.planted import Planted, Planting, plant
from triage.learn.scans import Scan, load_scan

#: Readers that a planted nodule was outlined by, at least.
AGREED_READERS = 3
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


def insertion_set(data: DataSet, ask: Ask, looks: Looks, models: Sequence[str]) -> list[Material]:
    """Plant the nodules of a role into the hosts of that role.

    Parameters
    ----------
    data : DataSet
    ask : Ask
    looks : Looks
        A look at the test role is written down for each model.
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
    data: DataSet, role: Role, looks: Looks, models: Sequence[str]
) -> tuple[tuple[Case, ...], tuple[Cube, ...]]:
    if role is Role.SELECT:
        opened = data.divided.select()
    elif role is Role.TEST:
        for model in models:
            opened = data.divided.test(looks, model=model, purpose="evaluate on planted nodules")
    else:
        raise Unprocessable("planted nodules are of the select or the test role")
    return opened.cases, opened.cubes


def _of_host(
    data: DataSet, host: Case, pieces: Sequence[Piece], textures: dict[str, int | None], ask: Ask
) -> Iterator[Material]:
    scan = load_scan(host)
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
            again = functools.partial(plant, scan.ground, scan.targets, chosen)
            yield _material(data, table, scan, lambda f=again, s=seed: f(np.random.default_rng(s)))  # type: ignore[misc]
    name = f"{host.name}, untouched"
    untouched = replace(
        about, scan=f"{host.series_uid}/untouched", name=name, kind=ScanKind.UNTOUCHED,
        truths=(*about.truths, *places),
    )  # fmt: skip
    yield _material(data, untouched, scan, lambda: Planted(scan.volume, (), ()))


def _material(
    data: DataSet, table: ScanTable, scan: Scan, volume: Callable[[], Planted]
) -> Material:
    def load() -> Ready:
        prepared = replace(scan.prepared, tensor=volume().volume[None, None])
        return Ready(prepared, round(scan.ground.noise * HU_RANGE, 1))

    return Material(table, digest_of([data.digest, table.scan, repr(table.truths)]), load)


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
