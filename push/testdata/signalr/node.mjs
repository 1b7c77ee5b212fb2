// Tells the stories in Node: node node.mjs PACKAGE URL CONTROL TRANSPORT
import { createRequire } from 'node:module';
import { Resume } from '../../../portal/client/signalr.js';
import { tellStories } from './story.mjs';

const [pkg = '', url = '', control = '', transport = ''] = process.argv.slice(2);
const signalR = createRequire(import.meta.url)(pkg);
console.log(await tellStories({ signalR, Resume, url, control, transport, stateful: transport === 'WebSockets' }));
process.exit(0);
