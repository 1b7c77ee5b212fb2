// What Microsoft's client must live through, told to the published package: in Node, and in a browser, over one transport. The Go test
// holds the server; its control door publishes, cuts connections within a message, and ends the server.

/**
 * @typedef {{ signalR: any, Resume: any, url: string, control: string, transport: string, stateful: boolean }} Stage
 */

/** @param {boolean} holds @param {string} what */
function check(holds, what) {
  if (!holds) throw new Error(what);
}

/** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
function within(promise, what) {
  const late = new Promise((_, no) => setTimeout(() => no(new Error(`waited too long for ${what}`)), 15_000));
  return Promise.race([promise, late]);
}

/** A connection and what it heard: the cursor of each event, and when so many have come. */
class Viewer {
  /** @type {string[]} */ heard = [];
  /** @type {any[]} */ envelopes = [];
  /** @type {(() => void)[]} */ #waiting = [];

  /** How long the tokens are good that the client asks for, in s. */ life = 3600;
  tokens = 0;

  /** @param {Stage} stage @param {(builder: any) => any} [tune] */
  constructor(stage, tune = (builder) => builder) {
    this.stage = stage;
    this.resume = new stage.Resume();
    const { HubConnectionBuilder, HttpTransportType, LogLevel } = stage.signalR;
    const builder = new HubConnectionBuilder()
      .withUrl(`${stage.url}/inventoryHub`, { transport: HttpTransportType[stage.transport], accessTokenFactory: () => this.token() })
      .withAutomaticReconnect(this.resume).configureLogging(LogLevel.None);
    this.hub = tune(builder).build();
    this.hub.on('stocklevelchanged', (/** @type {any} */ stock, /** @type {any} */ event) => {
      check(stock.currentStock === 9 && stock.previousStock === 10, `a payload of ${JSON.stringify(stock)}`);
      this.heard.push(event.id);
      this.envelopes.push(event);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** @returns {Promise<string>} */
  async token() {
    this.tokens++;
    return (await tell(this.stage, `token?life=${this.life}`)).token;
  }

  start() {
    return within(this.resume.start(this.hub), 'start');
  }

  /** @param {string[]} want */
  async hears(want) {
    const all = (async () => {
      while (this.heard.length < want.length) await new Promise((r) => this.#waiting.push(() => r(undefined)));
    })();
    await within(all, `event ${this.heard.length + 1} of ${want.length}`);
    check(this.heard.join() === want.join(), `heard ${this.heard.join(' ')}\nof ${want.join(' ')}`);
  }

  /** @param {string} event @returns {Promise<any>} */
  once(event) {
    return within(new Promise((r) => this.hub[event](r)), event);
  }
}

/** @param {Stage} stage @param {string} verb @returns {Promise<any>} */
async function tell(stage, verb) {
  const res = await fetch(`${stage.control}/${verb}`, { method: 'POST' });
  check(res.ok, `${verb}: ${res.status}`);
  return res.json();
}

/** Events come in order and whole batches together; methods are answered, whatever their case. @param {Stage} stage */
async function listens(stage) {
  const v = new Viewer(stage);
  await v.start();
  const want = await tell(stage, 'publish?batches=40&size=5');
  await v.hears(want);
  check(v.envelopes.filter((e) => e.last).length === 40, 'each batch ends with its last event');
  check(await v.hub.invoke('PING', { n: 1 }).then((/** @type {any} */ x) => x.n) === 1, 'Ping answers what it is asked');
  await v.hub.invoke('JoinTenantGroup', 'testpharmacy');
  await v.hub.send('JoinRoleGroup', 'pharmacist');
  const unknown = await v.hub.invoke('FormatDisk').catch((/** @type {Error} */ e) => e.message);
  check(/Unknown hub method/.test(unknown), `an unknown method gives ${unknown}`);
  await v.hub.stop();
}

/** A cut in mid-message costs nothing: the connection comes back by itself and goes on. @param {Stage} stage */
async function resumes(stage) {
  const v = new Viewer(stage);
  await v.start();
  const want = await tell(stage, 'publish?batches=3&size=2');
  await v.hears(want);
  for (let i = 0; i < 3; i++) {
    const back = v.once('onreconnected');
    await tell(stage, 'cut?after=700');
    want.push(...await tell(stage, 'publish?batches=10&size=3'));
    await back;
    await v.hears(want);
  }
  await v.hub.invoke('Resume', want[want.length - 4]);
  await v.hears([...want, ...want.slice(-3)]);
  await v.hub.stop();
}

/** A connection that outlives its socket tells each event once and does not even say that it was away. @param {Stage} stage */
async function outlives(stage) {
  const v = new Viewer(stage, (builder) => builder.withStatefulReconnect());
  await v.start();
  const id = v.hub.connectionId;
  let away = 0;
  v.hub.onreconnecting(() => away++);
  const want = await tell(stage, 'publish?batches=3&size=2');
  await v.hears(want);
  for (let i = 0; i < 3; i++) {
    await tell(stage, 'cut?after=700');
    want.push(...await tell(stage, 'publish?batches=20&size=3'));
    await v.hears(want);
    check(await v.hub.invoke('Ping', i) === i, 'what is said over the new socket is answered');
  }
  check(away === 0 && v.hub.connectionId === id, 'the connection is the same one');
  await v.hub.stop();
}

/** The server ends, another begins: the client comes back by itself and has missed nothing. @param {Stage} stage */
async function survivesTheServer(stage) {
  const v = new Viewer(stage);
  await v.start();
  const want = await tell(stage, 'publish?batches=2&size=2');
  await v.hears(want);
  const lost = v.once('onreconnecting'), back = v.once('onreconnected');
  await tell(stage, 'restart');
  check(await lost === undefined, 'the server said goodbye');
  want.push(...await tell(stage, 'publish?batches=2&size=2'));
  await back;
  await v.hears(want);
  await v.hub.stop();
}

/** A token ends, and the connection with it: the client comes back by itself with a new one and has missed nothing. @param {Stage} stage */
async function outlivesItsToken(stage) {
  const v = new Viewer(stage);
  v.life = 6;
  const warned = within(new Promise((r) => v.hub.on('Expiring', r)), 'a warning');
  await v.start();
  const want = await tell(stage, 'publish?batches=2&size=2');
  await v.hears(want);
  const lost = v.once('onreconnecting'), back = v.once('onreconnected');
  check((await warned).expires_in <= 6, 'the warning says when');
  v.life = 3600;
  const before = v.tokens;
  check(await lost === undefined, 'the server said goodbye');
  want.push(...await tell(stage, 'publish?batches=2&size=2'));
  await back;
  await v.hears(want);
  check(v.tokens > before, 'a new token was asked for');
  await v.hub.stop();
}

/** A close that does not allow to come back is the end; so is the client's own. @param {Stage} stage */
async function closes(stage) {
  const v = new Viewer(stage);
  await v.start();
  let away = 0;
  v.hub.onreconnecting(() => away++);
  const closed = v.once('onclose');
  await v.hub.connection.send('rubbish\x1e');
  const error = await closed;
  check(/not a hub message/.test(error?.message) && away === 0 && v.hub.state === 'Disconnected', `closed with ${error}`);
  const own = new Viewer(stage);
  await own.start();
  const stopped = own.once('onclose');
  await own.hub.stop();
  check(await stopped === undefined && own.hub.state === 'Disconnected', 'stop is the end');
  const { connections } = await tell(stage, 'gone');
  check(connections === 0, `${connections} connections are left`);
}

/** @param {Stage} stage @returns {Promise<string[]>} what was told */
export async function tellStories(stage) {
  const told = [];
  for (const story of [listens, resumes, ...(stage.stateful ? [outlives] : []), survivesTheServer, outlivesItsToken, closes]) {
    try {
      await story(stage);
    } catch (e) {
      throw new Error(`${story.name}: ${/** @type {Error} */ (e).message}`);
    }
    told.push(story.name);
  }
  return told;
}
