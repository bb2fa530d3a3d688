"""The receiver as a process of its own, for tests that kill it: ``door_process DATA PORT [told]``.

Prints ``ready PORT``; ends by SIGTERM. With ``told`` it prints a line for each fragment of a
message that it has taken in, and for each body of a PDU that it begins to read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from triage.receive import cstore
from triage.settings import Settings
from triage.store.files import Files
from triage.store.session import Store


def main(data: Path, port: int) -> None:
    settings = Settings(data=data, dicom_port=port, disk_reserve_mb=0)
    store = Store(settings.url)
    store.upgrade()
    cstore.serve(
        settings,
        store,
        Files(data / "objects"),
        Files(data / "quarantine"),
        lambda opened: print(f"ready {opened}", flush=True),
    )
    print("ended", flush=True)


class TellingDimse(cstore.BoundedDimse):
    """Says when a fragment of a message has been taken in: nothing on the wire tells a peer."""

    def receive_primitive(self, primitive: Any) -> None:
        super().receive_primitive(primitive)
        print("fragment", flush=True)


class TellingDul(cstore.BoundedDul):
    """Says when it begins to read the body of a PDU."""

    def _receive(self, count: int, deadline: float) -> bytearray:
        if count != cstore._HEAD.size:
            print(f"body of {count}", flush=True)
        return super()._receive(count, deadline)


if __name__ == "__main__":
    if sys.argv[3:] == ["told"]:
        vars(cstore).update(BoundedDimse=TellingDimse, BoundedDul=TellingDul)
    main(Path(sys.argv[1]), int(sys.argv[2]))
