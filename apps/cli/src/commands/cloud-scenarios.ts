/** The scenarios of whole clouds that `atoll simulate` can be told by name; in a file of its own, as naming them must load nothing. */

/** What happens in each. */
export const cloudScenarios: ReadonlyMap<string, string> = new Map([
  ['cloud-islands', 'the sites fall into groups for minutes, each of which is a cloud meanwhile'],
  ['cloud-sleep', 'a site sleeps without power while the others work, and wakes'],
  [
    'cloud-long-cut',
    'a site is cut off for 72 hours of which it sees a little of each; with --minutes, so long without leaps',
  ],
  ['cloud-retire', 'a site is lost for good, and another one takes over what it had'],
])
