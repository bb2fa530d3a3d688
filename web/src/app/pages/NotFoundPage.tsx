import { Link } from '@tanstack/react-router'
import { Notice } from '../../components/Notice'
import { words } from '../../words'
import { MainBar } from './MainBar'
import page from './WorklistPage.module.css'

const { notFound: say } = words

/** An address that is no page: said in words, with the way back. */
export function NotFoundPage() {
  return (
    <div className={page['page']}>
      <MainBar />
      <main className={page['lost']}>
        <Notice kind="attention" title={say.title}>
          <p>{say.text}</p>
          <p>
            <Link to="/">{words.pages.worklist}</Link>
          </p>
        </Notice>
      </main>
    </div>
  )
}
