/** Whether a real GPU draws here. Software WebGL is slower than plain canvas and needs a second copy. */
const software = /swiftshader|llvmpipe|softpipe|software|microsoft basic render/i

export type Rendering = 'webgl' | 'cpu'

const chosen = 'triage.render'

function probe(): Rendering {
  const gl = document.createElement('canvas').getContext('webgl2')
  if (!gl) return 'cpu'
  const info = gl.getExtension('WEBGL_debug_renderer_info')
  const renderer: unknown = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)
  const linear = gl.getExtension('OES_texture_float_linear') !== null
  gl.getExtension('WEBGL_lose_context')?.loseContext()
  return linear && !software.test(String(renderer)) ? 'webgl' : 'cpu'
}

let known: Rendering | null = null

/** How to draw on this computer; `triage.render` in local storage decides otherwise. */
export function rendering(): Rendering {
  const own = localStorage.getItem(chosen)
  if (own === 'webgl' || own === 'cpu') return own
  known ??= probe()
  return known
}

/** The GPU failed: plain canvas for the rest of this page. */
export const giveUpGpu = () => {
  known = 'cpu'
}
