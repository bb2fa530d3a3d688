/** Undo of the stream's packing: row-wise delta, zigzag, low-byte plane before high-byte plane. */

/** One slice of HU from its packed bytes (2 · rows · columns of them). */
export function unpackSlice(bytes: Uint8Array, rows: number, columns: number): Int16Array {
  const count = rows * columns
  if (bytes.length !== 2 * count) throw new Error(`slice has ${bytes.length} bytes, not ${2 * count}`)
  const out = new Int16Array(count)
  let at = 0
  for (let row = 0; row < rows; row += 1) {
    let value = 0
    for (let column = 0; column < columns; column += 1, at += 1) {
      const zigzag = (bytes[at] as number) | ((bytes[at + count] as number) << 8)
      value += (zigzag >>> 1) ^ -(zigzag & 1)
      out[at] = value
      value = out[at] as number
    }
  }
  return out
}

/** Slice numbers in the order of the stream: first, first + 1, first − 1, first + 2 … */
export function outward(first: number, count: number): number[] {
  const order: number[] = [first]
  for (let step = 1; order.length < count; step += 1) {
    if (first + step < count) order.push(first + step)
    if (first - step >= 0) order.push(first - step)
  }
  return order
}

/** Cuts a byte stream into pieces of a fixed size, whatever the size of the chunks that arrive. */
export class Cutter {
  private piece: Uint8Array
  private filled = 0

  constructor(private readonly size: number) {
    this.piece = new Uint8Array(size)
  }

  /** Pieces that became whole with this chunk. */
  push(chunk: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = []
    let at = 0
    while (at < chunk.length) {
      const take = Math.min(this.size - this.filled, chunk.length - at)
      this.piece.set(chunk.subarray(at, at + take), this.filled)
      this.filled += take
      at += take
      if (this.filled === this.size) {
        whole.push(this.piece)
        this.piece = new Uint8Array(this.size)
        this.filled = 0
      }
    }
    return whole
  }

  /** True when the stream ended inside a piece. */
  get broken(): boolean {
    return this.filled > 0
  }
}
