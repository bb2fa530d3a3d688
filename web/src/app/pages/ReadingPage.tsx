export function ReadingPage() {
  return <main />
}
