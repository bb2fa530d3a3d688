import type { Finding } from '../../../api/types'
import { crossAround, type Cross } from '../../../lib/geometry/cross'
import type { Plane } from '../../../lib/geometry/planes'

/** Axes of a finding as they stand: its end points; else its lengths laid across its centre. */
export function crossOf(finding: Finding, plane: Plane): Cross | null {
  const { long_axis_lps_mm: long, short_axis_lps_mm: short, long_mm, short_mm } = finding
  if (long && short) return { long, short }
  if (long_mm === null || short_mm === null) return null
  return crossAround(finding.center_lps_mm, long_mm, short_mm, plane.right, plane.normal)
}
