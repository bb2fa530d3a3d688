import { en, type Words } from './en'

/** The strings of the page in the reader's language; English is the only set so far. */
export const words: Words = en
