// Waiting between tries: full jitter, so that ten thousand portals do not come back in the same instant.

const FIRST_MS = 500;
const MOST_MS = 20_000;

/** Delays grow to 20 s and stay there: a portal never gives up. */
export class Backoff {
  #tries = 0;

  /** How many tries have failed since the last reset. */
  get tries() {
    return this.#tries;
  }

  /** The next delay in ms: anywhere between 0 and a ceiling that doubles with each try. */
  next() {
    const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(this.#tries, 10));
    this.#tries++;
    return Math.round(Math.random() * ceiling);
  }

  /** To be called only once a connection has proved stable: one that dies at once must not start over at 0.5 s. */
  reset() {
    this.#tries = 0;
  }
}
