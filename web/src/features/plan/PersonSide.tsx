import type { HowMade, PersonStep } from '../../api/plan'
import { Facts } from '../../components/Facts'
import { timeOf } from '../../lib/format'
import { words } from '../../words'
import { factTitle } from './missing'
import { SideHead } from './Parts'

const { side: say, people, step: stepWord, at } = words.plan

/** What only a person does, and what is left of it. */
export function PersonSide({ made, person }: { readonly made: HowMade; readonly person: PersonStep }) {
  const names = (facts: readonly string[]) => facts.map((fact) => factTitle(made.titles, fact)).join(', ') || null
  const rows = [
    [say.needs, names(person.needs)],
    [say.gives, names(person.gives)],
    [say.signedBy, person.by],
    [say.todo, person.missing.join(', ') || null],
  ] as const
  const word = person.at === null ? stepWord[person.state] : at(stepWord.done, timeOf(person.at))
  return (
    <>
      <SideHead title={people[person.act]} state={person.state} words={word} person />
      <Facts rows={rows} />
      <p>{say.person}</p>
    </>
  )
}
