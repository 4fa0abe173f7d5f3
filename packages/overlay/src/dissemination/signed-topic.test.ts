import assert from 'node:assert/strict'
import test from 'node:test'
import { TestCloud } from '../protocol/test-signatures.ts'
import { type News, signedRumour, signedTopic } from './signed-topic.ts'

function heads() {
  const cloud = new TestCloud()
  const [east, west] = [cloud.admit('east'), cloud.admit('west')]
  const news: News[] = []
  const topic = signedTopic({
    name: 'head',
    isUrgent: false,
    signatures: west,
    mayTell: (site, subject) => site === subject,
    onNews: (item) => news.push(item),
  })
  const told = signedRumour(east, {
    topic: 'head',
    subject: 'east',
    number: 4,
    data: { seq: 4, later: true },
  })
  return { east, topic, news, told }
}

test('what a site has signed is news, with all its fields', () => {
  const { topic, news, told } = heads()
  assert.equal(topic.accept(told), true)
  assert.deepEqual(news, [{ site: 'east', subject: 'east', number: 4, data: { seq: 4, later: true } }])
})

test('nobody can put a rumour under another subject, number or topic', () => {
  const { topic, news, told } = heads()
  for (const forged of [
    { ...told, number: 5 },
    { ...told, subject: 'west' },
    { ...told, topic: 'event' },
    { ...told, body: undefined },
  ])
    assert.equal(topic.accept(forged), false)
  assert.deepEqual(news, [])
})

test('a site tells only of what it may', () => {
  const { east, topic } = heads()
  const told = signedRumour(east, { topic: 'head', subject: 'west', number: 9, data: {} })
  assert.equal(topic.accept(told), false)
})
