import { layered, type Place } from './layout'
import type { Back, Graph, Lane, PlanNode } from './model'

/** Sizes of look.md, section 3, in CSS px. */
export const size = { width: 134, height: 48, stepX: 158, stepY: 88, left: 14, top: 44, lane: 62, label: 34 } as const
const round = 5

export interface Box {
  readonly node: PlanNode
  readonly x: number
  readonly y: number
  /** Of a given-up version: dashed. */
  readonly lane: boolean
}

export interface Line {
  readonly key: string
  readonly d: string
  readonly kind: 'edge' | 'lane' | 'back'
}

export interface Label {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly lane?: Lane
  readonly back?: Back
  /** It stands in the column before the steps and has to wrap. */
  readonly narrow?: boolean
}

export interface Drawing {
  readonly boxes: readonly Box[]
  readonly lines: readonly Line[]
  readonly labels: readonly Label[]
  readonly width: number
  readonly height: number
}

const xOf = (column: number) => size.left + column * size.stepX
const yOf = (row: number) => size.top + row * size.stepY
const middle = (y: number) => y + size.height / 2

type Point = readonly [number, number]

/** A path of straight parts with rounded corners. */
export function rounded(points: readonly Point[]): string {
  const apart = points.filter(([x, y], at) => at === 0 || x !== points[at - 1]?.[0] || y !== points[at - 1]?.[1])
  const parts = apart.map(([x, y], at) => {
    const [before, after] = [apart[at - 1], apart[at + 1]]
    if (!before) return `M${x} ${y}`
    if (!after) return `L${x} ${y}`
    const toward = ([px, py]: Point): string => {
      const length = Math.hypot(px - x, py - y)
      const step = Math.min(round, length / 2) / length
      return `${x + (px - x) * step} ${y + (py - y) * step}`
    }
    return `L${toward(before)}Q${x} ${y} ${toward(after)}`
  })
  return parts.join('')
}

/** From the right of one node to the left of another, changing rows only between columns. */
function along(through: readonly Place[]): string {
  const points: Point[] = []
  through.forEach(({ column, row }, at) => {
    const y = middle(yOf(row))
    const next = through[at + 1]
    if (at > 0) points.push([xOf(column), y])
    if (!next) return
    const gap = xOf(next.column) - (size.stepX - size.width) / 2
    points.push([xOf(column) + size.width, y], [gap, y], [gap, middle(yOf(next.row))])
  })
  return rounded(points)
}

/** Where a given-up step stands: under the same tool, else under what gives the same, else after its giver. */
function laneColumn(node: PlanNode, main: readonly Box[], placed: ReadonlyMap<string, number>): number {
  const columnOf = ({ x }: Box) => (x - size.left) / size.stepX
  if (node.kind !== 'step') return 0
  const { tool, gives } = node.step
  const same = main.find((box) => box.node.kind === 'step' && box.node.step.tool === tool)
  const alike = main.find((box) => box.node.kind === 'step' && box.node.step.gives.some((fact) => gives.includes(fact)))
  const there = same ?? alike
  if (there) return columnOf(there)
  return Math.max(-1, ...node.depends.map((id) => placed.get(id) ?? -1)) + 1
}

interface Lanes {
  readonly boxes: Box[]
  readonly labels: Label[]
  readonly bottom: number
}

function lanesBelow(lanes: readonly Lane[], main: readonly Box[], top: number): Lanes {
  const boxes: Box[] = []
  const labels: Label[] = []
  let bottom = top
  for (const lane of lanes) {
    const columns = new Map(main.map((box) => [box.node.id, (box.x - size.left) / size.stepX]))
    const used: Set<number>[] = []
    const first = bottom + size.label
    for (const node of lane.nodes) {
      const column = laneColumn(node, main, columns)
      columns.set(node.id, column)
      const free = used.findIndex((taken) => !taken.has(column))
      const row = free < 0 ? used.length : free
      ;(used[row] ??= new Set()).add(column)
      boxes.push({ node, x: xOf(column), y: first + row * size.lane, lane: true })
    }
    const own = boxes.slice(boxes.length - lane.nodes.length)
    const x = own.length > 0 ? Math.min(...own.map((box) => box.x)) : size.left
    // Beside the steps, where no line runs; above them when they begin at the border.
    const narrow = x > size.left
    labels.push({ key: `lane ${lane.plan.version}`, x: size.left, y: narrow ? first + 8 : first - 22, lane, narrow })
    bottom = own.length > 0 ? first + (used.length - 1) * size.lane + size.height + 12 : first
  }
  return { boxes, labels, bottom }
}

/** Dashed: from below the giver, down beside it, to the left of the given-up step. */
function laneLine(from: Box, to: Box): string {
  const y = middle(to.y)
  if (from.lane && from.y === to.y && to.x > from.x) return rounded([[from.x + size.width, y], [to.x, y]])
  const x = Math.min(to.x - 12, from.x + size.width + 12)
  return rounded([[from.x + size.width, middle(from.y)], [from.x + size.width + 12, middle(from.y)],
    [Math.max(x, from.x + size.width + 12), y], [to.x, y]])
}

/** From the top of the failed step up to the bottom of the step that stands in its place. */
function backLine(from: Box, to: Box): { d: string; turn: number } {
  const x = from.x + 20
  const target = to.x + 102
  const turn = from.y - 30
  return { d: rounded([[x, from.y], [x, turn], [target, turn], [target, to.y + size.height + 8]]), turn }
}

/** Everything to draw, in px: pure, so the same account is always the same picture. */
export function draw(graph: Graph): Drawing {
  const plan = layered(graph.nodes)
  const main = graph.nodes.map((node): Box => {
    const { column, row } = plan.places.get(node.id) ?? { column: 0, row: 0 }
    return { node, x: xOf(column), y: yOf(row), lane: false }
  })
  const below = plan.rows > 0 ? yOf(plan.rows - 1) + size.height + 24 : size.top
  const lanes = lanesBelow(graph.lanes, main, below)
  const boxes = [...inReadingOrder(main), ...lanes.boxes]
  const byId = new Map(boxes.map((box) => [box.node.id, box]))
  const lines: Line[] = plan.routes.map(({ from, to, through }) => ({ key: `${from}>${to}`, d: along(through), kind: 'edge' }))
  for (const to of lanes.boxes)
    for (const id of to.node.depends) {
      const from = byId.get(id)
      if (from) lines.push({ key: `${id}>${to.node.id}`, d: laneLine(from, to), kind: 'lane' })
    }
  const labels = [...lanes.labels]
  for (const back of graph.backs) {
    const [from, to] = [byId.get(back.from), byId.get(back.to)]
    if (!from || !to) continue
    const { d, turn } = backLine(from, to)
    lines.push({ key: `back ${back.from}`, d, kind: 'back' })
    labels.push({ key: `back ${back.from}`, x: from.x + 28, y: turn - 9, back })
  }
  const width = Math.max(0, ...boxes.map(({ x }) => x + size.width)) + size.left
  return { boxes, lines, labels, width, height: Math.max(below - 12, lanes.bottom) + 12 }
}

/** Column by column, each from top to bottom. */
const inReadingOrder = (boxes: readonly Box[]): Box[] => boxes.toSorted((a, b) => a.x - b.x || a.y - b.y)

/** The box beside another one; null at the border. */
export function beside(boxes: readonly Box[], id: string, [dx, dy]: readonly [number, number]): Box | null {
  const here = boxes.find(({ node }) => node.id === id)
  if (!here) return boxes[0] ?? null
  const far = (box: Box) => {
    const [x, y] = [box.x - here.x, box.y - here.y]
    const forward = x * dx + y * dy
    return forward <= 0 ? Infinity : forward + 2 * Math.abs(dx ? y : x)
  }
  const best = boxes.toSorted((a, b) => far(a) - far(b))[0]
  return best && far(best) < Infinity ? best : null
}
