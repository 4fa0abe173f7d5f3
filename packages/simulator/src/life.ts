/**
 * The life of a simulated process. JavaScript cannot be killed, so a process that has died is cut off from its world
 * instead: nothing that it calls happens, and nothing that it waits for ever comes.
 */

import type { Clock } from '@atoll/kit'

export class Life {
  readonly #mourners = new Set<() => void>()
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    this.#isOver = true
    for (const mourner of this.#mourners) mourner()
    this.#mourners.clear()
  }

  /**
   * What somebody outside hears who waits for an answer of this process: undefined when it dies first, as when a
   * connection is lost.
   */
  answer<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.#isOver) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const mourn = () => resolve(undefined)
      this.#mourners.add(mourn)
      this.hear(promise)
        .then(resolve, reject)
        .finally(() => this.#mourners.delete(mourn))
    })
  }

  /** What a promise becomes for whoever may die while waiting: it settles only during this life. */
  hear<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          if (!this.#isOver) resolve(value)
        },
        (error: unknown) => {
          if (!this.#isOver) reject(error)
        },
      )
    })
  }

  /** The clock as the process sees it: its timers die with it. */
  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, action) => {
        if (this.#isOver) return () => {}
        return clock.after(delayMs, () => {
          if (!this.#isOver) action()
        })
      },
    }
  }

  /**
   * A part of the world as the process sees it: its methods do nothing after the end of this life, and those under way
   * are not heard of again. Methods that answer at once are called as they are.
   */
  wrap<T extends object>(part: T): T {
    const methods = new Map<PropertyKey, unknown>()
    return new Proxy(part, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (!methods.has(name)) methods.set(name, this.#wrapMethod(target, value as Method))
        return methods.get(name)
      },
    })
  }

  #wrapMethod(target: object, method: Method): Method {
    return (...parameters) => {
      if (this.#isOver) return new Promise(() => {})
      const result = method.apply(target, parameters)
      return isPromise(result) ? this.hear(result) : result
    }
  }
}

type Method = (...parameters: unknown[]) => unknown

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
