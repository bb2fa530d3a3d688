import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const stub = (name: string) => fileURLToPath(new URL(`./vendor-stubs/${name}`, import.meta.url))
const server = process.env['TRIAGE_WEB_SERVER'] ?? 'http://127.0.0.1:8000'

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      // vtk's XML reader pulls Node's `events` and `url`, which stop the page at start-up.
      { find: /^@kitware\/vtk\.js\/IO\/XML\/XMLPolyDataReader(\.js)?$/, replacement: stub('vtkXmlReader.ts') },
      { find: /^@kitware\/vtk\.js\/Rendering\/Profiles\/(Volume|Geometry)(\.js)?$/, replacement: '@kitware/vtk.js/Rendering/OpenGL/Profiles/$1.js' },
      { find: /^\.\.\/WebGPU\/.*$/, replacement: stub('empty.ts') },
    ],
  },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 3200 },
  server: { proxy: { '/api': { target: server }, '/dicomweb': { target: server } } },
  test: { environment: 'jsdom', pool: 'vmThreads', include: ['src/**/*.test.{ts,tsx}'] },
})
