"""How well detectors find nodules, with what stands behind every figure.

Read in this order: `tables` (what goes in: marks and truths of scans), `rules` (what a mark turned
out to be), `curve` (FROC and its seven points), `resample` (intervals over patients, paired),
`strata`, `reliability`, `twins`; then `report` (what comes out), `assemble` (from one to the
other), and its faces `terminal`, `page`, `plots`. `material`, `reading`, `noise` and `runs` bring
real scans.
"""
