// Where the dashboard is put together, and its store started.

import { Badge } from './badge.js';
import { ExpiringPanel } from './expiring-panel.js';
import { frame } from './frame.js';
import { store } from './store.js';
import { Tabs } from './tabs.js';
import { WaitingPanel } from './waiting-panel.js';

frame({ 'rx-expiring': ExpiringPanel, 'rx-waiting': WaitingPanel, 'rx-tabs': Tabs });
new Badge().start();
void store.start();
