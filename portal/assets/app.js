// Where the page is put together: elements are defined here, and the store is started.

import { AlertBoard } from './alert-board.js';
import { AlertCard } from './alert-card.js';
import { Badge } from './badge.js';
import { tickTimes } from './dom.js';
import { ExpiringPanel } from './expiring-panel.js';
import { FeedPanel } from './feed-panel.js';
import { HelpDialog, listenToKeys } from './keys.js';
import { StockPanel } from './stock-panel.js';
import { store } from './store.js';
import { Tabs } from './tabs.js';
import { TopBar } from './top-bar.js';
import { Truth } from './truth.js';
import { WaitingPanel } from './waiting-panel.js';

customElements.define('rx-alert', AlertCard);
customElements.define('rx-alert-board', AlertBoard);
customElements.define('rx-top-bar', TopBar);
customElements.define('rx-truth', Truth);
customElements.define('rx-stock', StockPanel);
customElements.define('rx-expiring', ExpiringPanel);
customElements.define('rx-waiting', WaitingPanel);
customElements.define('rx-feed', FeedPanel);
customElements.define('rx-tabs', Tabs);
customElements.define('rx-help', HelpDialog);

new Badge().start();
listenToKeys();
setInterval(tickTimes, 10_000);
void store.start();
