/** The part of pino's interface that we use, so that a test can hand in a silent or a recording one. */

export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger
}

const ignore = () => {}

export const silentLogger: Logger = Object.freeze({
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
})
