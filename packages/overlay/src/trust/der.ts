/** The little of DER (X.690) that our own extensions need: definite lengths, tags of one byte. */

export const DER = Object.freeze({
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  /** `[number]` of ASN.1, constructed. */
  context: (number: number) => 0xa0 + number,
})

export interface DerValue {
  readonly tag: number
  readonly content: Buffer
}

/** One value of `tag` that holds `contents`, one after the other. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

/** 0 … 65535. */
export function derInteger(value: number): Buffer {
  const bytes = Buffer.from([0, value >> 8, value & 0xff])
  // The shortest form whose first bit, the sign, is 0.
  let start = 0
  while (start < 2 && bytes[start] === 0 && ((bytes[start + 1] ?? 0) & 0x80) === 0) start++
  return der(DER.integer, bytes.subarray(start))
}

/** The values that stand one after the other in `bytes`; undefined when they do not fill them exactly. */
export function readDer(bytes: Buffer): readonly DerValue[] | undefined {
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length; ) {
    const value = readOne(bytes.subarray(at))
    if (!value) return undefined
    values.push({ tag: value.tag, content: value.content })
    at += value.size
  }
  return values
}

/** What `derInteger` wrote, else undefined. */
export function integerOf(value: DerValue | undefined): number | undefined {
  if (value?.tag !== DER.integer || value.content.length === 0 || value.content.length > 3) return undefined
  const number = value.content.readIntBE(0, value.content.length)
  return number >= 0 && number <= 0xffff ? number : undefined
}

function lengthOf(size: number): readonly number[] {
  if (size < 0x80) return [size]
  return size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
}

function readOne(bytes: Buffer): (DerValue & { readonly size: number }) | undefined {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  const start = 2 + lengthBytes
  // Three bytes of length are 16 MB: no certificate has them.
  if (lengthBytes > 3 || first === 0x80 || bytes.length < start) return undefined
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes)
  if (bytes.length < start + length) return undefined
  return { tag, content: bytes.subarray(start, start + length), size: start + length }
}
