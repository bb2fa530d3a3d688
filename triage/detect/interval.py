"""x"""
from triage.core.finding import Measurement, Solidity
def with_intervals(size: Measurement, kind: Solidity | None, slice_mm: float) -> Measurement:
    return size
