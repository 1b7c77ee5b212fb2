// Which pharmacy and branch a report is about.

/** @import {TenantItem} from '../client/types.d.ts' */

import { tenants } from '../client/rest.js';
import { fill, h, set } from './dom.js';
import { remembered } from './kept.js';
import { t } from './language.js';

/** @template {HTMLElement} T @param {string} id @param {new () => T} type */
export function get(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${id}`);
  return element;
}

const tenant = get('tenant', HTMLSelectElement);
const branch = document.getElementById('branch');

/** @type {TenantItem[]} */
let known = [];

/** The pharmacy that is looked at. */
export const pharmacy = () => known.find((one) => one.id === tenant.value);

/** Finds the pharmacies, chooses the one that the address or this browser names, and tells of it, now and when another is chosen. @param {() => void} turn */
export async function choosePharmacy(turn) {
  const turned = () => {
    branches();
    turn();
  };
  try {
    known = await tenants();
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 401) return location.assign('/login');
    return complain(error);
  }
  fill(tenant, ...known.map((one) => h('option', { value: one.id }, one.name || one.id)));
  const wanted = new URLSearchParams(location.search).get('tenant') ?? remembered('rxvigil.tenant');
  const found = known.find((one) => one.id === wanted || one.subdomain === wanted);
  if (found) tenant.value = found.id;
  set(tenant, { disabled: known.length < 2 });
  tenant.addEventListener('change', turned);
  turned();
}

function branches() {
  if (!branch) return;
  const all = pharmacy()?.branches ?? [];
  fill(branch, h('option', { value: '' }, t('All branches')), ...all.map((b) => h('option', { value: b.id }, b.name || b.id)));
  set(branch, { hidden: all.length < 2 });
}

/** Says what went wrong; nothing, when nothing did. @param {unknown} [error] */
export function complain(error) {
  get('problem', HTMLElement).textContent = error === undefined ? '' : error instanceof Error ? error.message : String(error);
}
