"""What truth.json says: the entries of real truth files, and that this is a phantom."""

from __future__ import annotations

from triage.core.finding import Solidity
from triage.phantom.chest import PhantomChest
from triage.phantom.identity import NOT_A_PATIENT, Identity
from triage.phantom.nodules import PhantomNodule

# LIDC's texture scale (1 ground glass .. 5 solid), so that one reader of truth serves both.
_TEXTURE = {Solidity.SOLID: 5, Solidity.PART_SOLID: 3, Solidity.GROUND_GLASS: 1}


def truth_of(chest: PhantomChest, who: Identity, pixel_sha256: str, seed: int) -> dict[str, object]:
    """Truth of one series, keyed by its Series Instance UID; ready for JSON."""
    dz, dy, dx = chest.volume.spacing_zyx_mm
    series = {
        "case": who.patient_id,
        "dataset": "phantom",
        "patient": who.patient_id,
        "phantom": True,
        "seed": seed,
        "study_uid": who.study_uid,
        "n_slices": chest.volume.shape_zyx[0],
        "spacing_mm": [round(dx, 4), round(dy, 4), round(dz, 4)],
        "slice_thickness_mm": round(dz, 4),
        "manufacturer": "Triage phantom",
        "kernel": chest.protocol.kernel,
        "kvp": 120.0,
        "first_slice_position_mm": [round(float(c), 4) for c in chest.volume.affine[:3, 3]],
        "shape_zyx": list(chest.volume.shape_zyx),
        "pixel_sha256": pixel_sha256,
        "truth_kind": "phantom",
        "all_nodules_marked": True,
        "nodules": [_entry(i, n) for i, n in enumerate(chest.nodules, start=1)],
    }
    return {
        "format": 1,
        "phantom": True,
        "note": NOT_A_PATIENT,
        "coordinates": "DICOM patient (LPS) millimetres, order x,y,z; ascending z",
        "diameter_source": "sphere of equal volume of the shape that was drawn",
        "series": {who.series_uid: series},
    }


def _entry(number: int, nodule: PhantomNodule) -> dict[str, object]:
    return {
        "id": f"n{number}",
        "center_mm": list(nodule.center_lps_mm),
        "diameter_mm": nodule.diameter_mm,
        "max_axial_diameter_mm": nodule.long_mm,
        "short_axial_diameter_mm": nodule.short_mm,
        "solid_diameter_mm": nodule.solid_diameter_mm,
        "solidity": nodule.solidity.value,
        "mean_texture": _TEXTURE[nodule.solidity],
        "place": nodule.place,
        "label": "positive",
        "phantom": True,
    }
