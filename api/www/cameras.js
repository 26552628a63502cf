// SPDX-License-Identifier: MIT
/*
 * cameras: the page /cameras: every camera with its lines and zones, how it
 * fares, what it sees, and, for an administrator, its settings.  shapes.js
 * draws.
 */
import { alarm } from './alarm.js';
import { change, get, list, me } from './api.js';
import { el, fill, setText } from './dom.js';
import { begin, byId, say } from './frame.js';
import { keepFresh } from './fresh.js';
import { nameOf, stateWord } from './lists.js';
import { listenShapes, showShapes } from './shapes.js';
import { ago, momentLabel, span, wall } from './when.js';
import { t } from './words.js';

const REFRESH_MS = 10000;

let cameras = [];
let who = { scopes: [] };
let chosen = '';
let altered = null;
let live = false;

const is_admin = () => who.scopes.includes('admin');
const codeOf = (camera) => encodeURIComponent(camera.camera);
/* A line's direction or a zone is listed below its camera. */
const parentOf = ({ camera }) => {
	const [parent] = camera.split('/');

	return parent !== camera && cameras.some((one) => one.camera === parent) ?
		parent : null;
};

// ---- the list

/* The day as a strip: what has passed, without the gaps. */
function strip({ today, tz }) {
	const minute = (at) => {
		const { time } = wall(at, tz);
		return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
	};
	const node = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const bar = (from, to, kind) => {
		const rect = document.createElementNS(node.namespaceURI, 'rect');
		for (const [name, value] of Object.entries({ x: from, y: 0,
			width: Math.max(1, to - from), height: 10, class: kind }))
			rect.setAttribute(name, value);
		node.append(rect);
	};

	node.setAttribute('viewBox', '0 0 1440 10');
	node.setAttribute('preserveAspectRatio', 'none');
	node.setAttribute('class', 'strip');
	node.setAttribute('aria-hidden', 'true');
	bar(0, today.elapsed_s / 60, 'watched');
	for (const { from, to } of today.gaps) {
		const end = minute(Date.parse(to));
		bar(minute(Date.parse(from)), end || 1440, 'gap');
	}
	return node;
}

function watchedCells(camera) {
	const { today, tz } = camera;

	if (!today)
		return ['–'];
	const gaps = today.gaps.map(({ from, to }) => `${
		wall(Date.parse(from), tz).time.slice(0, 5)}–${
		wall(Date.parse(to), tz).time.slice(0, 5)}`);

	return [strip(camera), el('p', { class: 'quiet' },
		t('{share} % of {span}', { share: Math.round(100 * today.coverage),
			span: span(today.elapsed_s) })),
	gaps.length ? el('p', { class: 'quiet' }, t('gaps: {gaps}', {
		gaps: gaps.slice(0, 4).join(', ') + (gaps.length > 4 ? ' …' : ''),
	})) : null];
}

function ingestCells({ ingest, last_error: error }, now) {
	const words = [];

	if (ingest) {
		words.push(el('p', {}, `${ingest.name}: ${t(ingest.state)}`));
		words.push(el('p', { class: 'quiet' }, t(
			'{engine}, {fps} pictures/s, {dropped} dropped, {waiting} rows waiting',
			{ engine: ingest.engine ?? '–', fps: ingest.fps ?? '–',
				dropped: ingest.dropped ?? 0, waiting: ingest.waiting ?? '–' })));
		if (ingest.error)
			words.push(el('p', { class: 'fault' }, ingest.error));
	}
	if (error)
		words.push(el('p', { class: 'fault' }, `${ago(Date.parse(error.at),
			now)}: ${error.detail}`));
	return words;
}

function headCells(camera) {
	const { camera: code, site, tz } = camera;

	return [parentOf(camera) ? nameOf(camera) : el('a', {
		href: `#${new URLSearchParams({ camera: code })}`,
	}, nameOf(camera)),
	el('span', { class: 'quiet' }, ` ${code}`),
	el('p', { class: 'quiet' }, `${site} · ${tz}`)];
}

function seenCells({ last_seen: seen, tz }, now) {
	return seen ? [momentLabel(Date.parse(seen), tz), el('p',
		{ class: 'quiet' }, ago(Date.parse(seen), now))] : [t('never seen')];
}

function changeCells({ camera: code }) {
	const node = el('button', { type: 'button' }, t('Change'));

	node.addEventListener('click', () => alter(byCode(code)));
	return [node];
}

/* What has the focus is made anew; the focus goes to what takes its place. */
function refill(cell, shown, build) {
	const held = cell.contains(document.activeElement);

	if (fill(cell, shown, build) && held)
		cell.querySelector('a, button')?.focus();
}

/*
 * A row is made once and then only told what changed: nothing that is pressed
 * or has the focus goes because a minute has passed.
 */
function newRow(code) {
	return el('tr', { 'data-camera': code }, el('th', { scope: 'row' }),
		el('td'), el('td'), el('td'), el('td', { class: 'wrap' }));
}

function showRow(node, camera, now) {
	const parent = parentOf(camera);
	const { name, site, tz, state, last_seen: seen, today, ingest,
		last_error: error } = camera;
	const minute = Math.floor(now / 60000);

	node.classList.toggle('child', parent !== null);
	if (is_admin() && node.cells.length === 5)
		node.append(el('td', {}, ...changeCells(camera)));
	const [head, badge, last, watched, fares] = node.cells;

	refill(head, [name, site, tz, parent], () => headCells(camera));
	fill(badge, state, () => [el('span',
		{ class: 'badge', 'data-state': state }, stateWord(camera))]);
	fill(last, [seen, tz, minute], () => seenCells(camera, now));
	fill(watched, [today, tz], () => watchedCells(camera).filter(Boolean));
	fill(fares, [ingest, error, error && minute], () =>
		ingestCells(camera, now));
}

function showList(now) {
	const body = byId('list').tBodies[0];
	const ordered = [...cameras].sort((a, b) =>
		a.camera < b.camera ? -1 : 1);
	const rows = new Map([...body.rows].map((node) =>
		[node.dataset.camera, node]));

	for (const [code, node] of rows)
		if (!byCode(code))
			node.remove();
	for (const [at, camera] of ordered.entries()) {
		const node = rows.get(camera.camera) ?? newRow(camera.camera);

		if (body.rows[at] !== node) /* one that is moved loses the focus */
			body.insertBefore(node, body.rows[at] ?? null);
		showRow(node, camera, now);
	}
	for (const node of document.querySelectorAll('.admin'))
		node.hidden = !is_admin();
}

// ---- one camera

const byCode = (code) => cameras.find(({ camera }) => camera === code);

function watch(on) {
	const camera = byCode(chosen);
	const picture = byId('picture');

	live = on && Boolean(camera);
	byId('live').setAttribute('aria-pressed', String(live));
	setText(byId('live'), t(live ? 'Stop watching' : 'Watch live'));
	if (!camera) {
		picture.removeAttribute('src');
		return;
	}
	picture.alt = t('What {name} sees', { name: nameOf(camera) });
	picture.src = `/api/v1/cameras/${codeOf(camera)}/${
		live ? 'live.mjpeg' : 'snapshot.jpg'}`;
}

function choose() {
	const words = new URLSearchParams(location.hash.replace(/^#/, ''));
	const camera = byCode(words.get('camera') ?? '');

	byId('one').hidden = !camera;
	if ((camera?.camera ?? '') === chosen)
		return;
	chosen = camera?.camera ?? '';
	byId('picture').hidden = true;
	byId('no-picture').hidden = false;
	watch(false);
	showShapes(chosen, is_admin());
	if (!camera)
		return;
	setText(byId('one-title'), nameOf(camera));
	byId('snapshot').href = `/api/v1/cameras/${codeOf(camera)}/snapshot.jpg`;
	byId('one-title').focus();
}

// ---- changes

function alter(camera) {
	altered = camera;
	setText(byId('altering-title'), camera.camera);
	byId('alter-name').value = camera.name ?? '';
	byId('alter-site').value = camera.site;
	byId('alter-tz').value = camera.tz;
	byId('alter-retired').checked = camera.state === 'retired';
	byId('altering').returnValue = '';
	byId('altering').showModal();
}

/* Only what was changed is sent. */
function changes() {
	const now = {
		name: byId('alter-name').value.trim() || null,
		site: byId('alter-site').value.trim(),
		tz: byId('alter-tz').value.trim() || null,
		retired: byId('alter-retired').checked,
	};
	const before = { ...altered, retired: altered.state === 'retired' };

	return Object.fromEntries(Object.entries(now).filter(([name, value]) =>
		value !== (before[name] ?? null)));
}

async function keep() {
	const said = changes();

	if (byId('altering').returnValue !== 'keep' || !Object.keys(said).length)
		return;
	await tell(() => change('PATCH', `/api/v1/cameras/${codeOf(altered)}`,
		said));
}

async function tell(act) {
	try {
		await act();
		await load();
		say('');
		return true;
	} catch (cause) {
		say(cause.message, true);
		return false;
	}
}

async function add(event) {
	const form = new FormData(byId('add'));
	const said = Object.fromEntries([...form].map(([name, value]) =>
		[name, value.trim()]).filter(([, value]) => value));

	event.preventDefault();
	if (await tell(() => change('POST', '/api/v1/cameras', said)))
		byId('add').reset();
}

// ---- keeping it fresh

async function load(signal, mine = () => true) {
	const [{ items }, { body: sites, at }, me_] = await Promise.all([
		list('/api/v1/cameras', signal), get('/api/v1/sites', signal), me()]);

	if (!mine())
		return;
	cameras = items;
	who = me_;
	showList(at);
	fill(byId('sites'), sites.items.map(({ name }) => name), () =>
		sites.items.map(({ name }) => el('option', { value: name })));
	choose();
}

function listen() {
	addEventListener('hashchange', choose);
	byId('live').addEventListener('click', () => watch(!live));
	byId('picture').addEventListener('load', () => {
		byId('picture').hidden = false;
		byId('no-picture').hidden = true;
	});
	byId('picture').addEventListener('error', () => {
		byId('picture').hidden = true;
		byId('no-picture').hidden = false;
	});
	byId('altering').addEventListener('close', keep);
	byId('add').addEventListener('submit', add);
	byId('skip').addEventListener('click', (event) => {
		event.preventDefault();
		byId('list').querySelector('a')?.focus();
	});
	listenShapes(fresh.refresh);
}

begin();
byId('zones').replaceChildren(...(Intl.supportedValuesOf?.('timeZone') ?? [])
	.map((name) => el('option', { value: name })));
const fresh = keepFresh(load, REFRESH_MS);
alarm(byCode);
listen();
fresh.refresh();
