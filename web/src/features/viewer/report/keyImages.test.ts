import { expect, it } from 'vitest'
import type { Finding } from '../../../api/types'
import { axesLine } from './KeyImages'

const long = [[0, 0, 0], [9, 0, 0]]
const short = [[4, -3, 0], [4, 3, 0]]
const axes = { long_mm: 9, short_mm: 6, long_axis_lps_mm: long, short_axis_lps_mm: short }
const finding = (more: object) => ({ ...axes, proposed: { long_axis_lps_mm: long, short_axis_lps_mm: short }, ...more }) as unknown as Finding

it.each([
  [{}, 'Axes measured by the model.'],
  [{ long_axis_lps_mm: [[0, 0, 0], [10, 0, 0]] }, 'Axes set by a reader, lengths computed on the server.'],
  [{ proposed: {} }, 'Axes set by a reader, lengths computed on the server.'],
  [{ long_axis_lps_mm: null, short_axis_lps_mm: null }, 'No axes to draw: the size was typed.'],
  [{ long_mm: null, short_mm: null, long_axis_lps_mm: null }, 'Size not measured.'],
])('says where the axes come from (%#)', (more, said) => expect(axesLine(finding(more))).toBe(said))
