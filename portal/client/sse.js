// The event stream format of the HTML standard, read incrementally: pieces of text in, messages out.

/**
 * @typedef {object} Message
 * @property {string} event  The event's name; "message" when the stream named none.
 * @property {string} data
 * @property {string} [id]  Present only when the frame carried one.
 */

/**
 * Returns a function to feed with text as it arrives, cut anywhere. A frame without data is no message (the standard says so);
 * a retry line reports itself at once.
 * @param {(message: Message) => void} onMessage
 * @param {(ms: number) => void} [onRetry]
 */
export function parser(onMessage, onRetry) {
  let rest = '';
  let first = true;
  let event = '';
  /** @type {string[]} */
  let data = [];
  /** @type {string | undefined} */
  let id;

  /** @param {string} line */
  const take = (line) => {
    if (line === '') return flush();
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry?.(Number(value));
  };

  const flush = () => {
    if (data.length > 0) onMessage({ event: event || 'message', data: data.join('\n'), ...(id === undefined ? {} : { id }) });
    event = '';
    data = [];
    id = undefined;
  };

  return (/** @type {string} */ text) => {
    if (first && text !== '') {
      first = false;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    rest += text;
    // A CR at the very end may be half of a CRLF: it waits for the next piece.
    const held = rest.endsWith('\r') ? '\r' : '';
    const lines = (held ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + held;
    for (const line of lines) take(line);
  };
}
