// The house rules of the page that no linter knows: who may import whom, where colours may stand,
// how long a file may be.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const src = resolve(import.meta.dirname, '../src')
const generated = new Set(['api/schema.d.ts'])
const colourHome = /^app\/theme\//
const layers = ['app', 'features', 'components', 'lib', 'api', 'words']
const maxLines = 300
const maxMedian = 60

function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? walk(path) : [path]
  })
}

const faults = []
const lengths = []
for (const path of walk(src)) {
  const name = relative(src, path)
  if (!/\.(tsx?|css)$/.test(name) || generated.has(name)) continue
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n').length - 1
  if (/\.tsx?$/.test(name)) lengths.push(lines)
  if (lines > maxLines) faults.push(`${name}: ${lines} lines, at most ${maxLines}`)
  if (!colourHome.test(name) && !/\.test\.tsx?$/.test(name)) {
    for (const hit of text.match(/#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(/g) ?? [])
      faults.push(`${name}: colour ${hit} outside app/theme`)
  }
  const [layer, feature] = name.split('/')
  for (const [, spec] of text.matchAll(/from '(\.[^']+)'|import\('(\.[^']+)'\)/g)) {
    if (!spec) continue
    const target = relative(src, resolve(dirname(path), spec))
    const [toLayer, toFeature] = target.split('/')
    if (layers.indexOf(toLayer) < layers.indexOf(layer))
      faults.push(`${name}: imports upwards, ${target}`)
    if (layer === 'features' && toLayer === 'features' && feature !== toFeature)
      faults.push(`${name}: a feature imports a feature, ${target}`)
  }
  if (/@cornerstonejs\//.test(text) && !name.startsWith('features/viewer/paint/cornerstone'))
    faults.push(`${name}: Cornerstone outside its module`)
}
lengths.sort((a, b) => a - b)
const median = lengths[Math.floor(lengths.length / 2)] ?? 0
if (median > maxMedian) faults.push(`median file has ${median} lines, at most ${maxMedian}`)
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.stdout.write(`${lengths.length} files, median ${median} lines, longest ${lengths.at(-1) ?? 0}\n`)
process.exit(faults.length ? 1 : 0)
