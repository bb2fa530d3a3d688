import type { HowMade } from '../../api/plan'
import { Facts } from '../../components/Facts'
import { words } from '../../words'
import { factTitle } from './missing'
import type { Graph, PlanNode } from './model'
import { SideHead } from './Parts'
import { ToolsTried } from './ToolsTried'

const { side: say, step: stepWord, noGiver } = words.plan

/** A fact nobody can give here and now: who would, why not, and what mends it. */
export function MissingSide({ made, graph, node }: {
  readonly made: HowMade
  readonly graph: Graph
  readonly node: Extract<PlanNode, { kind: 'missing' }>
}) {
  const wanted = graph.nodes.find(({ id }) => id === `${node.version}.${node.wantedBy}`)
  const tools = made.tools.filter(({ fact }) => fact === node.fact)
  const fact = factTitle(made.titles, node.fact)
  return (
    <>
      <SideHead title={node.title} state={node.state} words={node.state === 'missing' ? stepWord.missing : node.note} />
      <Facts rows={[[say.missing, fact], [say.wantedBy, wanted?.title ?? say.goal]]} />
      {tools.length > 0 ? <ToolsTried made={made} tried={tools} used="" /> : <p>{`${noGiver(fact)}.`}</p>}
    </>
  )
}
