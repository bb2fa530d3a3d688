/** Stands for vtk.js's WebGPU back end, which this page does not use. */
export const newInstance = () => null
export const extend = () => undefined
export default { newInstance, extend }
