import assert from 'node:assert/strict'
import test from 'node:test'
import { blank, scan } from './scan.ts'

const codeOf = (text: string) => blank(text, scan(text), ['line comment', 'block comment', 'literal'])

test('a comment sign inside of a literal begins no comment', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a template in the source under test
  for (const literal of ["'http://a'", '"/* b */"', '`// ${c}`', '/[/*]+/']) {
    const kinds = scan(`x = ${literal}`).map(({ kind }) => kind)
    assert.deepEqual(new Set(kinds), new Set(['literal']), literal)
  }
})

test('what stands in a template expression is code', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a template in the source under test
  const text = '`a ${ b({ c: `d ${e}` }) } f` + g'
  assert.equal(codeOf(text).replaceAll(/\s+/g, ''), 'b({c:e})+g')
})

test('a slash after a value divides', () => {
  assert.equal(codeOf('a / b / c // d').trim(), 'a / b / c')
})

test('an escaped quote does not end a literal', () => {
  assert.equal(codeOf(String.raw`f('it\'s', x)`).replaceAll(/\s+/g, ''), 'f(,x)')
})

test('blanks keep every line and column', () => {
  const text = "a /* b\nc */ d // e\n'f' g"
  assert.deepEqual(
    codeOf(text)
      .split('\n')
      .map((line) => line.length),
    text.split('\n').map((line) => line.length),
  )
  assert.equal(codeOf(text).indexOf('d'), text.indexOf('d'))
})
