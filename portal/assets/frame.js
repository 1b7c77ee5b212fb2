// What every page that shows live data has: the bar, the line that says how true it is, alerts, stock, the feed, the keyboard.

import { AlertBoard } from './alert-board.js';
import { AlertCard } from './alert-card.js';
import { tickTimes } from './dom.js';
import { FeedPanel } from './feed-panel.js';
import { HelpDialog, listenToKeys } from './keys.js';
import { StockPanel } from './stock-panel.js';
import { TopBar } from './top-bar.js';
import { Truth } from './truth.js';

/** Puts a page together, with elements of its own besides. @param {Record<string, CustomElementConstructor>} own By their names. */
export function frame(own) {
  const all = { 'rx-alert': AlertCard, 'rx-alert-board': AlertBoard, 'rx-top-bar': TopBar, 'rx-truth': Truth, 'rx-stock': StockPanel, 'rx-feed': FeedPanel, 'rx-help': HelpDialog, ...own };
  for (const [name, element] of Object.entries(all)) customElements.define(name, element);
  listenToKeys();
  setInterval(tickTimes, 10_000);
}
