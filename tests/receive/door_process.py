"""The receiver as a process of its own, for tests that kill it: ``door_process DATA PORT [QUIET]``.

Prints ``ready PORT``; ends by SIGTERM.
"""

from __future__ import annotations

import sys
from pathlib import Path

from triage.receive.cstore import serve
from triage.settings import Settings
from triage.store.files import Files
from triage.store.session import Store


def main(data: Path, port: int) -> None:
    settings = Settings(data=data, dicom_port=port, disk_reserve_mb=0)
    store = Store(settings.url)
    store.upgrade()
    serve(
        settings,
        store,
        Files(data / "objects"),
        Files(data / "quarantine"),
        lambda opened: print(f"ready {opened}", flush=True),
    )
    print("ended", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
