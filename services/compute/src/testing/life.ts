/** The life of a process in a test: it ends at a chosen call, after which nothing that it waits for ever comes. */

/** `before`: the call is not made. `after`: it is, and the process dies before it learns of it. */
export interface Death {
  readonly atCall: number
  readonly when: 'before' | 'after'
}

export class Life {
  #death: Death | undefined
  #calls = 0
  #isOver = false

  constructor(death?: Death) {
    this.#death = death
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** A life that has not ended by now goes on. */
  spare(): void {
    this.#death = undefined
  }

  /** `target`, whose methods `names` are calls at which this life may end. */
  wrap<Target extends object>(target: Target, names: readonly (keyof Target)[]): Target {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        const method = (...args: unknown[]): unknown => Reflect.apply(value, target, args)
        return names.includes(name as keyof Target)
          ? (...args: unknown[]) => this.#call(() => method(...args) as Promise<unknown>)
          : method
      },
    })
  }

  async #call(method: () => Promise<unknown>): Promise<unknown> {
    if (this.#isOver) return never()
    const isLast = ++this.#calls === this.#death?.atCall
    if (isLast && this.#death?.when === 'before') return this.#end()
    try {
      const outcome = await method()
      return isLast || this.#isOver ? this.#end() : outcome
    } catch (error) {
      if (isLast || this.#isOver) return this.#end()
      throw error
    }
  }

  #end(): Promise<never> {
    this.#isOver = true
    return never()
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
