/** vtk.js registers an XML poly-data reader that this page never uses. */
export const newInstance = () => {
  throw new Error('XML poly data is not read by this page')
}
export const extend = newInstance
export default { newInstance, extend }
