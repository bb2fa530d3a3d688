"""The outbox: once at the peer, whatever happens in between; nothing given up silently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.engine.processes import Crew, crew_at
from tests.engine.toys import wait_until
from triage.core.work import Effect, Facts, Json
from triage.engine.effects import EffectHandler, Outgoing, next_pause_s
from triage.errors import ConfigurationError, PeerRefused, PeerUnreachable
from triage.store import outbox_rows, work_rows
from triage.store.session import Store
from triage.store.tables import Outbox, now

SUBJECT = "1.2.3"


class Peer:
    """A peer that keeps what it is sent, and a sender that does what the test says."""

    kind = "store"

    def __init__(self) -> None:
        self.holds: list[str] = []
        self.asked: list[str] = []
        self.fault: Exception | None = None
        self.slow_to_show = False

    def _look(self, payload: Facts) -> dict[str, Json] | None:
        uid = str(payload["uid"])
        return {"uid": uid} if uid in self.holds and not self.slow_to_show else None

    def already_there(self, payload: Facts) -> dict[str, Json] | None:
        self.asked.append("look")
        return self._look(payload)

    def send(self, payload: Facts) -> None:
        self.asked.append("send")
        if self.fault is not None:
            raise self.fault
        self.holds.append(str(payload["uid"]))

    def confirm(self, payload: Facts) -> dict[str, Json] | None:
        self.asked.append("confirm")
        return self._look(payload)


def put(store: Store, *uids: str, kind: str = "store") -> None:
    with store.unit_of_work() as uow:
        for uid in uids:
            work_rows.add_effect(uow, SUBJECT, Effect(kind, uid, {"uid": uid}))


def rows(store: Store) -> dict[str, Outbox]:
    with store.reading() as uow:
        return {row.key: row for row in outbox_rows.effects_of(uow, SUBJECT)}


def make_due(store: Store) -> None:
    with store.unit_of_work() as uow:
        for row in outbox_rows.effects_of(uow, SUBJECT):
            row.next_at = now() - timedelta(seconds=1)


def outgoing(store: Store, *peers: EffectHandler, alive: tuple[str, ...] = ("me",)) -> Outgoing:
    return Outgoing(store, peers, "me", lambda: alive)


def test_an_effect_is_sent_and_believed_only_when_found_at_the_peer(any_store: Store) -> None:
    peer = Peer()
    put(any_store, "a")
    assert outgoing(any_store, peer).deliver_due() == 1
    row = rows(any_store)["a"]
    assert (row.state, row.receipt, row.attempts, row.last_error) == ("done", {"uid": "a"}, 1, "")
    assert row.done_at is not None
    assert peer.asked == ["look", "send", "confirm"]
    assert outgoing(any_store, peer).deliver_due() == 0


def test_the_same_key_is_the_same_effect(any_store: Store) -> None:
    peer = Peer()
    put(any_store, "a")
    put(any_store, "a")
    outgoing(any_store, peer).deliver_due()
    put(any_store, "a")
    outgoing(any_store, peer).deliver_due()
    assert peer.holds == ["a"]


def test_what_the_peer_has_already_is_not_sent(any_store: Store) -> None:
    peer = Peer()
    peer.holds.append("a")
    put(any_store, "a")
    outgoing(any_store, peer).deliver_due()
    assert peer.asked == ["look"]
    assert rows(any_store)["a"].state == "done"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (PeerUnreachable("no route to PACS"), "no route to PACS"),
        (PeerRefused("out of storage"), "out of storage"),
        (ValueError("Meyer^Anna"), "the sender raised ValueError"),
    ],
)
def test_a_failed_send_is_tried_later_and_says_why(
    any_store: Store, fault: Exception, says: str
) -> None:
    peer = Peer()
    peer.fault = fault
    put(any_store, "a")
    before = now()
    outgoing(any_store, peer).deliver_due()
    row = rows(any_store)["a"]
    assert (row.state, row.last_error, row.attempts) == ("waiting", says, 1)
    assert row.next_at > before
    assert outgoing(any_store, peer).deliver_due() == 0
    make_due(any_store)
    peer.fault = None
    assert outgoing(any_store, peer).deliver_due() == 1
    row = rows(any_store)["a"]
    assert (row.state, row.last_error, row.attempts) == ("done", "", 2)
    assert peer.holds == ["a"]


def test_sent_but_not_shown_yet_is_looked_for_again_and_not_sent_twice(any_store: Store) -> None:
    peer = Peer()
    peer.slow_to_show = True
    put(any_store, "a")
    outgoing(any_store, peer).deliver_due()
    row = rows(any_store)["a"]
    assert (row.state, row.last_error) == ("waiting", "sent, but not found at the peer yet")
    peer.slow_to_show = False
    make_due(any_store)
    outgoing(any_store, peer).deliver_due()
    assert rows(any_store)["a"].state == "done"
    assert peer.holds == ["a"]


def test_pauses_grow_from_one_second_to_five_minutes_and_never_end() -> None:
    assert [next_pause_s(n) for n in (1, 2, 3, 9, 10, 5000)] == [1, 2, 4, 256, 300, 300]


def test_one_that_fails_does_not_hold_up_the_others(any_store: Store) -> None:
    class Picky(Peer):
        def send(self, payload: Facts) -> None:
            if payload["uid"] == "a":
                raise PeerRefused("not this one")
            super().send(payload)

    peer = Picky()
    put(any_store, "a", "b", "c")
    assert outgoing(any_store, peer).deliver_due() == 3
    assert peer.holds == ["b", "c"]


def test_a_kind_that_nobody_here_sends_is_left_for_another_process(any_store: Store) -> None:
    put(any_store, "a", kind="hl7")
    assert outgoing(any_store, Peer()).deliver_due() == 0
    assert outgoing(any_store).deliver_due() == 0
    assert (rows(any_store)["a"].state, rows(any_store)["a"].attempts) == ("waiting", 0)


def test_the_claim_of_a_living_process_is_respected_and_that_of_a_dead_one_is_not(
    any_store: Store,
) -> None:
    peer = Peer()
    put(any_store, "a")
    with any_store.unit_of_work() as uow:
        claimed = outbox_rows.next_effect(uow, ["store"], "other", now(), ["other"])
        assert claimed is not None
    assert outgoing(any_store, peer, alive=("me", "other")).deliver_due() == 0
    assert outgoing(any_store, peer).deliver_due() == 1
    assert rows(any_store)["a"].attempts == 2
    with any_store.unit_of_work() as uow:  # the dead one comes back and finds its claim gone
        late = outbox_rows.close_effect(uow, "a", "other", 1, receipt={"uid": "wrong"})
    assert not late
    assert rows(any_store)["a"].receipt == {"uid": "a"}


def test_no_transaction_is_open_while_the_peer_is_asked(any_store: Store) -> None:
    class Looks(Peer):
        def send(self, payload: Facts) -> None:
            with any_store.unit_of_work() as uow:  # would wait for ever behind an open claim
                work_rows.add_effect(uow, SUBJECT, Effect("other", "from inside"))
            super().send(payload)

    put(any_store, "a")
    outgoing(any_store, Looks()).deliver_due()
    assert rows(any_store)["from inside"].state == "waiting"


def test_two_senders_of_one_kind_are_refused(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="same kind"):
        outgoing(store, Peer(), Peer())


@pytest.fixture
def crew(any_store: Store, tmp_path: Path) -> Iterator[Crew]:
    with crew_at(tmp_path, any_store.url) as crew:
        yield crew


@pytest.mark.parametrize("gate", ["before_send", "sent", "confirmed"])
@pytest.mark.parametrize("survivor", ["first", "second"])
@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
def test_a_sender_killed_on_the_way_leaves_one_object_at_the_peer(
    any_store: Store, crew: Crew, gate: str, survivor: str
) -> None:
    put(any_store, "sr-1")
    crew.killed_at("first", gate, send=True)
    assert rows(any_store)["sr-1"].state == "sending"
    crew.start(survivor, send=True)
    wait_until(lambda: rows(any_store)["sr-1"].state == "done", "the receipt is there")
    assert crew.lines("sends") == ["sr-1"]
    row = rows(any_store)["sr-1"]
    assert (row.attempts, row.receipt) == (2, {"found": "sr-1"})
