/** Descriptors as rumours: every site hears of every other one, whether it is in its view or not. */

import type { Descriptor } from '../membership/descriptor.ts'
import type { DescriptorBook } from '../membership/descriptor-book.ts'
import type { Rumour, Topic } from './rumour.ts'

export const DESCRIPTOR_TOPIC = 'descriptor'

/** @param learn takes a genuine descriptor of the site that the rumour names; true when it was news */
export function descriptorTopic(book: DescriptorBook, learn: (descriptor: Descriptor) => boolean): Topic {
  return {
    name: DESCRIPTOR_TOPIC,
    isUrgent: true,
    isKept: true,
    accept: ({ subject, number, body }) => {
      const descriptor = book.read(body)
      // A genuine descriptor under another name or number would hide the true one.
      if (!descriptor || descriptor.contact.site !== subject || descriptor.incarnation !== number)
        return false
      return learn(descriptor)
    },
  }
}

export function descriptorRumour({ contact, incarnation, signed }: Descriptor): Rumour {
  return { topic: DESCRIPTOR_TOPIC, subject: contact.site, number: incarnation, body: signed }
}
