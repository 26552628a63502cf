// SPDX-License-Identifier: MIT
/*
 * outliers: the page /outliers: what is out of the ordinary, to be confirmed,
 * dismissed or annotated, by mouse or by keys.  What is listed stands behind
 * the # of the address.
 */
import { alarm } from './alarm.js';
import { change, get, list, me, query } from './api.js';
import { el, fill } from './dom.js';
import { METRICS, count, outliersOf, real } from './figures.js';
import { begin, byId, say } from './frame.js';
import { keepFresh } from './fresh.js';
import { BASES, nameOf } from './lists.js';
import { addDays, dayStart, momentLabel, wall } from './when.js';
import { t } from './words.js';

const PAGE = 25;
const PAGES_MAX = 40; /* asked for again by a refresh */
const REFRESH_MS = 10000;
const STATES = { open: 'open', confirmed: 'confirmed', dismissed: 'dismissed' };
const KEYS = {
	j: () => move(1), ArrowDown: () => move(1),
	k: () => move(-1), ArrowUp: () => move(-1),
	c: () => decide('confirmed'), d: () => decide('dismissed'),
	o: () => decide('open'), n: () => annotate(),
};

let choice = read(location.hash);
let cameras = [];
let items = [];
let next = null;
let pages = 1;
let current = null; /* the id of the outlier that keys act on */
let may_review = false;
let round = 0;

function read(hash) {
	const words = new URLSearchParams(hash.replace(/^#/, ''));
	const state = words.get('state') ?? 'open';
	const date = (name) => /^\d{4}-\d\d-\d\d$/.test(words.get(name) ?? '') ?
		words.get(name) : '';

	return {
		camera: words.get('camera') ?? '',
		state: state in STATES || state === '' ? state : 'open',
		level: words.get('level') === 'all' ? 'all' : 'alert',
		from: date('from'), to: date('to'),
	};
}

/* The zone of the chosen camera, else the one most cameras have. */
function zone() {
	const chosen = cameras.find(({ camera }) => camera === choice.camera);
	const counted = new Map();

	if (chosen)
		return chosen.tz;
	for (const { tz } of cameras)
		counted.set(tz, (counted.get(tz) ?? 0) + 1);
	return [...counted].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'UTC';
}

function path(more = {}) {
	const pairs = { level: choice.level, ...more };

	if (choice.camera)
		pairs.camera = choice.camera;
	if (choice.state)
		pairs.status = choice.state;
	if (choice.from)
		pairs.from = new Date(dayStart(choice.from, zone())).toISOString();
	if (choice.to)
		pairs.to = new Date(dayStart(addDays(choice.to, 1),
			zone())).toISOString();
	return `/api/v1/outliers?${query(pairs)}`;
}

// ---- how it looks

function figuresOf(item) {
	return outliersOf([item]).map(({ metric, value, reference, z, basis }) =>
		el('li', { 'data-metric': metric },
			el('b', { 'data-field': 'value', 'data-value': value },
				count(value)), ` ${t(METRICS[metric]?.unit ?? metric)} · `,
			t('reference {reference}, z {z}', { reference: real(reference),
				z: real(z) }), ' · ',
			el('span', { class: 'quiet' }, t(BASES[basis] ?? '–'))));
}

function reviewText(item, tz) {
	if (item.status === 'open' && !item.reviewed_by)
		return '';
	return item.reviewed_at ? t('{who}, {when}', {
		who: item.reviewed_by ?? '–',
		when: momentLabel(Date.parse(item.reviewed_at), tz),
	}) : '';
}

function button(text, act, pressed) {
	const node = el('button', { type: 'button', 'aria-pressed':
		pressed === undefined ? null : String(pressed) }, text);

	node.addEventListener('click', act);
	return node;
}

function actions(item) {
	const decided = (status) => button(t({ confirmed: 'Confirm',
		dismissed: 'Dismiss' }[status]), () => {
		current = item.id;
		decide(item.status === status ? 'open' : status);
	}, item.status === status);

	return el('p', { class: 'tools' }, decided('confirmed'),
		decided('dismissed'), button(t('Note'), () => {
			current = item.id;
			annotate();
		}));
}

function entry(item) {
	const camera = cameras.find((one) => one.camera === item.camera);
	const tz = camera?.tz ?? 'UTC';
	const at = Date.parse(item.start_at);
	const { date } = wall(at, tz);
	const where = new URLSearchParams({ camera: item.camera, from: date,
		to: date });

	return el('li', {
		'data-outlier': item.id, 'data-state': item.status, tabindex: '-1',
		'aria-current': item.id === current ? 'true' : null,
	},
	el('div', { class: 'titled' },
		el('h3', {}, el('a', { href: `/explore#${where}` },
			camera ? nameOf(camera) : item.camera)),
		el('span', { class: 'badge', 'data-state': item.status },
			t(STATES[item.status] ?? item.status))),
	el('p', { class: 'quiet' }, `${momentLabel(at, tz)} · ${tz}`),
	el('ul', {}, ...figuresOf(item)),
	item.note ? el('p', { class: 'note' }, item.note) : null,
	el('p', { class: 'quiet' }, reviewText(item, tz)),
	may_review ? actions(item) : null);
}

function show() {
	const held = byId('list').contains(document.activeElement);

	fill(byId('list'), [items, current, may_review,
		cameras.map(({ camera, name, tz }) => [camera, name, tz])],
	() => items.map(entry));
	if (held)
		byId('list').querySelector('[aria-current]')?.focus();
	byId('none').hidden = items.length > 0;
	byId('more').hidden = !next;
	byId('keys').hidden = !may_review || !items.length;
	byId('csv').href = path({ format: 'csv' });
}

function showChoice() {
	fill(byId('camera'), cameras.map(({ camera, name }) => [camera, name]),
		() => [el('option', { value: '' }, t('All cameras')),
			...cameras.map((camera) => el('option',
				{ value: camera.camera }, nameOf(camera)))]);
	byId('camera').value = choice.camera;
	for (const name of ['state', 'level'])
		for (const radio of document.getElementsByName(name))
			radio.checked = radio.value === choice[name];
	byId('from').value = choice.from;
	byId('to').value = choice.to;
}

// ---- what it asks and tells

async function load(signal, mine) {
	const begun = round;
	const [{ items: known }, who] = await Promise.all([
		list('/api/v1/cameras', signal), me()]);

	if (!mine() || begun !== round)
		return;
	cameras = known;
	may_review = who.scopes.some((scope) =>
		scope === 'review' || scope === 'admin');
	const found = [];
	let at = path({ limit: PAGE });

	for (let page = 0; page < pages && at; page++) {
		const { body } = await get(at, signal);
		found.push(...body.items);
		at = body.next;
	}
	if (!mine() || begun !== round)
		return;
	items = found;
	next = at;
	if (!items.some(({ id }) => id === current))
		current = items[0]?.id ?? null;
	showChoice();
	show();
}

async function tell(id, said) {
	try {
		const { body } = await change('PATCH',
			`/api/v1/outliers/${encodeURIComponent(id)}`, said);

		round++; /* what is on its way is older */
		items = items.map((item) => item.id === id ? body : item);
		show();
		say('');
		return true;
	} catch (cause) {
		say(cause.message, true);
		return false;
	}
}

/* The one after it is next; it stays in the list until the next refresh. */
async function decide(status) {
	const id = current;

	if (!may_review || !id)
		return;
	if (await tell(id, { status }) && id === current)
		move(1);
}

function annotate() {
	const item = items.find(({ id }) => id === current);

	if (!may_review || !item)
		return;
	byId('note').value = item.note ?? '';
	byId('noting').returnValue = '';
	byId('noting').dataset.outlier = item.id;
	byId('noting').showModal();
}

function noted() {
	const dialog = byId('noting');
	const text = byId('note').value.trim();

	if (dialog.returnValue === 'keep')
		tell(dialog.dataset.outlier, { note: text || null });
}

function move(by) {
	const at = items.findIndex(({ id }) => id === current);
	const there = items[Math.min(items.length - 1, Math.max(0, at + by))];

	if (!there)
		return;
	current = there.id;
	show();
	const node = byId('list').querySelector('[aria-current]');
	node?.focus({ preventScroll: true });
	node?.scrollIntoView({ block: 'nearest' });
}

function pressed(event) {
	const typing = event.target.closest('input, select, textarea, dialog');
	const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() :
		event.key];

	if (!act || typing || event.ctrlKey || event.metaKey || event.altKey)
		return;
	event.preventDefault();
	act();
}

function listen() {
	byId('choice').addEventListener('change', () => {
		const words = new URLSearchParams();
		for (const [name, value] of new FormData(byId('choice')))
			if (value || name === 'state')
				words.set(name, value);
		location.hash = words;
	});
	byId('choice').addEventListener('submit', (event) =>
		event.preventDefault());
	addEventListener('hashchange', () => {
		choice = read(location.hash);
		pages = 1;
		fresh.refresh();
	});
	addEventListener('keydown', pressed);
	byId('list').addEventListener('focusin', ({ target }) => {
		const id = target.closest('li[data-outlier]')?.dataset.outlier;
		for (const node of byId('list').children)
			node.toggleAttribute('aria-current',
				node.dataset.outlier === id);
		for (const node of byId('list').querySelectorAll('[aria-current]'))
			node.setAttribute('aria-current', 'true');
		current = id ?? current;
	});
	byId('noting').addEventListener('close', noted);
	byId('more').addEventListener('click', () => {
		pages = Math.min(PAGES_MAX, pages + 1);
		fresh.refresh();
	});
	byId('skip').addEventListener('click', (event) => {
		event.preventDefault();
		byId('list').focus();
	});
}

begin();
const fresh = keepFresh(load, REFRESH_MS);
alarm((code) => cameras.find(({ camera }) => camera === code),
	fresh.refresh);
listen();
fresh.refresh();
