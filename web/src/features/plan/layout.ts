/** What the layout needs to know of a node. */
export interface Cell {
  readonly id: string
  readonly depends: readonly string[]
}

export interface Place {
  readonly column: number
  readonly row: number
}

/** One edge as the rows it runs through, from the giver's column to the user's. */
export interface Route {
  readonly from: string
  readonly to: string
  readonly through: readonly Place[]
}

export interface Layered {
  readonly places: ReadonlyMap<string, Place>
  readonly routes: readonly Route[]
  readonly columns: number
  readonly rows: number
}

/** The column of each node: one after the last of those it waits for. A circle is cut where it closes. */
export function columnsOf(cells: readonly Cell[]): Map<string, number> {
  const byId = new Map(cells.map((cell) => [cell.id, cell]))
  const columns = new Map<string, number>()
  const open = new Set<string>()
  const settle = (cell: Cell): number => {
    const known = columns.get(cell.id)
    if (known !== undefined) return known
    if (open.has(cell.id)) return -1
    open.add(cell.id)
    const before = cell.depends.map((id) => byId.get(id)).filter((one) => one !== undefined)
    const column = Math.max(-1, ...before.map(settle)) + 1
    open.delete(cell.id)
    columns.set(cell.id, column)
    return column
  }
  for (const cell of cells) settle(cell)
  return columns
}

/** The longest chain: it stays on one row, so that the eye can follow it. */
function spine(cells: readonly Cell[], columns: ReadonlyMap<string, number>): Set<string> {
  const users = new Map<string, number>()
  for (const { depends } of cells) for (const id of depends) users.set(id, (users.get(id) ?? 0) + 1)
  const byId = new Map(cells.map((cell) => [cell.id, cell]))
  const column = (id: string) => columns.get(id) ?? 0
  let at = cells.toSorted((a, b) => column(b.id) - column(a.id))[0]
  const chain = new Set<string>()
  while (at && !chain.has(at.id)) {
    chain.add(at.id)
    const here = column(at.id)
    const before = at.depends.filter((id) => byId.has(id) && column(id) === here - 1)
    at = byId.get(before.toSorted((a, b) => (users.get(b) ?? 0) - (users.get(a) ?? 0))[0] ?? '')
  }
  return chain
}

/** The free row nearest to the wished one; above before below. */
function nearestFree(wish: number, taken: ReadonlySet<number>): number {
  for (let away = 0; ; away += 1)
    for (const row of [wish - away, wish + away]) if (!taken.has(row)) return row
}

interface Item {
  readonly id: string
  readonly before: readonly string[]
  /** Smaller is placed first. */
  readonly rank: number
}

/** Long edges get a stand-in in each column they cross, so that no node lies on their way. */
function standIns(cells: readonly Cell[], columns: ReadonlyMap<string, number>) {
  const items: Item[][] = []
  const put = (column: number, item: Item) => (items[column] ??= []).push(item)
  const chain = spine(cells, columns)
  const routes: { from: string; to: string; ids: string[] }[] = []
  for (const cell of cells) {
    const column = columns.get(cell.id) ?? 0
    const last: string[] = []
    for (const from of cell.depends) {
      const start = columns.get(from)
      if (start === undefined || start >= column) continue
      const ids = [from]
      for (let at = start + 1; at < column; at += 1) {
        const id = `${from}>${cell.id}@${at}`
        put(at, { id, before: [ids.at(-1) ?? from], rank: 1 })
        ids.push(id)
      }
      last.push(ids.at(-1) ?? from)
      routes.push({ from, to: cell.id, ids: [...ids, cell.id] })
    }
    put(column, { id: cell.id, before: last, rank: chain.has(cell.id) ? 0 : 2 })
  }
  return { items, routes }
}

/**
 * Nodes in columns by what they wait for, each as near as may be to the row of those; the longest
 * chain on one row. The same nodes always give the same picture. Rows begin at 0.
 */
export function layered(cells: readonly Cell[]): Layered {
  const columns = columnsOf(cells)
  const { items, routes } = standIns(cells, columns)
  const rows = new Map<string, number>()
  for (const column of items) {
    const taken = new Set<number>()
    for (const item of (column ?? []).toSorted((a, b) => a.rank - b.rank)) {
      const wishes = item.before.map((id) => rows.get(id) ?? 0)
      const mean = wishes.length > 0 ? wishes.reduce((sum, row) => sum + row, 0) / wishes.length : 0
      const row = item.rank === 0 ? 0 : nearestFree(Math.round(mean), taken)
      taken.add(row)
      rows.set(item.id, row)
    }
  }
  const top = Math.min(0, ...rows.values())
  const place = (id: string, column: number): Place => ({ column, row: (rows.get(id) ?? 0) - top })
  const places = new Map(cells.map(({ id }) => [id, place(id, columns.get(id) ?? 0)]))
  return {
    places,
    routes: routes.map(({ from, to, ids }) => ({
      from,
      to,
      through: ids.map((id, at) => place(id, (columns.get(from) ?? 0) + at)),
    })),
    columns: items.length,
    rows: Math.max(-1, ...rows.values()) - top + 1,
  }
}
