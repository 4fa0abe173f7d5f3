/** What only makes sense to whoever sat at one machine at one time does not belong to the project. */

import { forbid, type Rule } from '../rule.ts'

const machinePath = forbid({
  name: 'no path of one machine',
  pattern: /(?<![\w.}/-])\/(?:work|root|home\/\w+|Users\/\w+)\/[\w-]+/g,
  inside: 'text',
  advice: 'take the path from a setting, or from where the file itself is',
  bad: [
    ['a.ts', "const home = '/ro" + "ot/atoll'"],
    ['a.md', 'See /ho' + 'me/ann/notes.'],
  ],
  good: [
    ['a.ts', "url('https://example.org/work/in-progress')"],
    ['a.ts', "readFromGuest('/root/.ssh/authorized_keys')"],
  ],
})

const workNumber = forbid({
  name: 'no number of an issue or a pull request',
  pattern:
    /\b(?:issues?|tickets?|pull requests?|PR|fix(?:es|ed)?|closes?d?) #?\d+\b(?! (?:of|in|at|to|by)\b)/gi,
  inside: 'text',
  advice: 'say what it is about; the text must stand without the tracker',
  bad: [
    ['a.ts', '// See iss' + 'ue 12.'],
    ['a.md', 'As in P' + 'R #7.'],
  ],
  good: [['a.ts', '/** PEM, PKCS #8. */']],
})

const workingSession = forbid({
  name: 'no word on how or by whom the text was made',
  pattern: /\b(?:coding|working|agent) session\b|\blanguage model\b|\bAI assistant\b|\bthe brief\b/gi,
  inside: 'text',
  advice: 'say what is, not how it came to be written',
  applies: (path) => path !== 'test/tidy/rules/private-words.ts',
  bad: [['a.ts', '// Left for the next coding session.']],
  good: [['a.ts', '// The HTTP/2 session has ended, which its own events tell.']],
})

/** These hold for every text: sources, pages and manifests. */
export const privateWordRules: readonly Rule[] = [machinePath, workNumber, workingSession]
