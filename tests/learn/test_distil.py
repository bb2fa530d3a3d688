"""Each term moves the student, stays finite on nothing, and is nothing where both agree."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
import torch

from triage.learn.distil import EPS, REGION, Distiller, Term, channel, gap, local, spatial
from triage.learn.networks import NETWORKS, Answer, NoduleNet, TeacherNet


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


def pair() -> tuple[NoduleNet, TeacherNet, torch.Tensor]:
    return NoduleNet(8), TeacherNet(16).eval(), torch.rand(2, 1, 32, 32, 32)


@pytest.mark.parametrize("term", list(Term))
def test_every_term_reaches_the_student(term: Term) -> None:
    student, teacher, x = pair()
    distiller = Distiller(student, teacher, [term])
    with torch.no_grad():
        told = teacher.see(x)
    losses = distiller(student.see(x), told)
    assert list(losses) == [term]
    losses[term].backward()
    first = next(iter(student.stem.parameters())).grad
    assert first is not None
    assert float(first.abs().sum()) > 1e-6
    assert bool(torch.isfinite(first).all())
    assert all(p.grad is None for p in teacher.parameters())


@pytest.mark.parametrize("term", list(Term))
def test_a_term_falls_when_the_student_learns_it(term: Term) -> None:
    student, teacher, x = pair()
    distiller = Distiller(student, teacher, [term])
    with torch.no_grad():
        told = teacher.see(x)
    parameters = [*student.parameters(), *distiller.parameters()]
    optimizer = torch.optim.AdamW(parameters, 3e-3)
    seen = []
    for _ in range(25):
        loss = distiller(student.see(x), told)[term]
        seen.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert seen[-1] < 0.8 * seen[0]


@pytest.mark.parametrize("seen", [channel, spatial, local])
def test_maps_of_zeros_have_a_finite_gradient(seen: object) -> None:
    features = torch.zeros(2, 4, 8, 8, 8, requires_grad=True)
    told = torch.rand(2, 4, 8, 8, 8)
    loss = gap(seen(features), seen(told))  # type: ignore[operator]
    loss.backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    assert bool(torch.isfinite(features.grad).all())


def test_equal_features_cost_nothing_and_scale_does_not_matter() -> None:
    features = torch.rand(2, 4, 8, 8, 8)
    for seen in (channel, spatial, local):
        assert float(gap(seen(features), seen(3.0 * features))) < EPS


def test_maps_have_unit_length() -> None:
    features = torch.rand(2, 4, 8, 8, 8)
    for seen in (channel, spatial, local):
        length = seen(features).flatten(1).norm(dim=1)
        assert length.tolist() == pytest.approx([1.0, 1.0], abs=1e-4)


def test_a_region_is_four_cells_wide_and_holds_its_own() -> None:
    features = torch.zeros(1, 1, 8, 8, 8)
    features[0, 0, 5, 1, 6] = 2.0
    map_ = local(features)[0]
    assert map_.shape == (8, REGION**3)
    [(region, cell)] = map_.nonzero().tolist()
    assert region == 1 * 4 + 0 * 2 + 1
    assert cell == 1 * 16 + 1 * 4 + 2


def test_the_same_answer_costs_nothing_and_a_surer_one_something() -> None:
    maps = torch.randn(2, 5, 8, 8, 8)
    same = Answer(maps, torch.rand(2, 8, 8, 8, 8), torch.rand(2, 16, 4, 4, 4))
    student, teacher, _ = pair()
    distiller = Distiller(student, teacher, [Term.OUTPUT])
    assert float(distiller(same, same)[Term.OUTPUT]) == pytest.approx(0.0, abs=1e-5)
    surer = same._replace(maps=maps * 2)
    assert float(distiller(surer, same)[Term.OUTPUT]) > 0.01


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("sides", [(64, 64, 64), (40, 24, 56)])
def test_student_and_teacher_answer_on_the_same_grid(
    name: str, sides: tuple[int, int, int]
) -> None:
    network = NETWORKS[name]().eval()
    with torch.inference_mode():
        answer = network.see(torch.rand(1, 1, *sides))
    cells = tuple(n // 4 for n in sides)
    assert tuple(answer.maps.shape) == (1, 5, *cells)
    assert tuple(answer.fine.shape) == (1, network.fine_channels, *cells)
    assert tuple(answer.deep.shape) == (1, network.deep_channels, *(n // 2 for n in cells))


def test_the_teacher_is_about_ten_times_the_student() -> None:
    sizes = {n: sum(p.numel() for p in NETWORKS[n]().parameters()) for n in NETWORKS}
    assert sizes["student"] == 653_461
    assert 6_000_000 < sizes["teacher"] < 9_000_000
    assert sizes["student-wide"] < 1_500_000
