// SPDX-License-Identifier: MIT
/*
 * lists: the state of the system, the list and choice of cameras, and the
 * table of outliers.
 */
import { el, fill, setText } from './dom.js';
import { METRICS, count, outliersOf, real } from './figures.js';
import { selectionHash } from './selection.js';
import { ago, momentLabel } from './when.js';
import { t } from './words.js';

const STATES = {
	live: 'live', silent: 'silent', new: 'no rows yet', retired: 'retired',
};
export const BASES = {
	hour_of_week: 'same weekday and hour', year: 'its year',
	month: 'its month', week: 'its week', day: 'its day',
};

export function nameOf(camera) {
	return camera.name || camera.camera;
}

export function stateWord(camera) {
	return t(STATES[camera.state] ?? String(camera.state));
}

/* "last row today 17:46, 12 s ago", on the camera's clock. */
export function seenText(camera, now) {
	if (!camera.last_seen)
		return t('never seen');
	const at = Date.parse(camera.last_seen);

	return t('last seen {when} ({ago})',
		{ when: momentLabel(at, camera.tz), ago: ago(at, now) });
}

/* The state of the system, and what is wrong with it. */
export function showHealth(node, health) {
	const status = health?.status ?? 'down';
	const bad = Object.entries(health?.checks ?? {})
		.filter(([, check]) => check?.status && check.status !== 'ok')
		.map(([name, { detail }]) => detail || name);

	node.dataset.state = status;
	setText(node, `${t('System: {status}', { status: t(status) })}${
		bad.length ? ` – ${bad.join('; ')}` : ''}`);
}

export function showCameras(nodes, cameras, selection, now) {
	const texts = cameras.map((camera) => [camera.camera, nameOf(camera),
		camera.state, seenText(camera, now)]);
	const entry = (code, ...inside) => el('li', {},
		el('a', {
			href: selectionHash({ ...selection, camera: code, page: 1 }),
			'aria-current': code === selection.camera ? 'true' : null,
			'data-camera': code,
		}, ...inside));

	/* A link that has the focus keeps it when the list is made anew. */
	const held = nodes.list.contains(document.activeElement) ?
		document.activeElement.dataset.camera : null;
	fill(nodes.list, [texts, selection], () => [
		entry('', el('span', { class: 'name' }, t('All cameras'))),
		...cameras.map((camera, at) => entry(camera.camera,
			el('span', { class: 'name' }, texts[at][1]),
			el('span', { class: 'badge', 'data-state': camera.state },
				stateWord(camera)),
			el('span', { class: 'quiet seen' }, texts[at][3]))),
	]);
	if (held !== null)
		[...nodes.list.querySelectorAll('a')].find((link) =>
			link.dataset.camera === held)?.focus();

	fill(nodes.select, texts.map(([code, name]) => [code, name]), () => [
		el('option', { value: '' }, t('All cameras')),
		...texts.map(([code, name]) => el('option', { value: code }, name)),
	]);
	nodes.select.value = selection.camera;
}

function outlierRow({ item, metric, value, reference, z, basis }, names) {
	const camera = names.get(item.camera);
	const digits = (found) => typeof found === 'number' ? String(found) : '';

	return el('tr', {
		'data-camera': item.camera, 'data-metric': metric,
		'data-outlier': item.id,
	},
	el('th', { scope: 'row' }, camera ? nameOf(camera) : item.camera),
	el('td', {}, momentLabel(Date.parse(item.start_at),
		camera?.tz ?? 'UTC')),
	el('td', {}, t(METRICS[metric]?.title ?? metric)),
	el('td', { class: 'number', 'data-field': 'value',
		'data-value': digits(value) }, count(value)),
	el('td', { class: 'number', 'data-field': 'reference',
		'data-value': digits(reference) }, real(reference)),
	el('td', { class: 'number', 'data-field': 'z', 'data-value': digits(z) },
		real(z)),
	el('td', {}, t(BASES[basis] ?? String(basis ?? '–'))));
}

/* names maps a camera's code to its entry; more: older ones were left out. */
export function showOutliers(nodes, found, names) {
	const entries = outliersOf(found.items);

	nodes.none.hidden = entries.length > 0;
	nodes.scroll.hidden = entries.length === 0;
	nodes.more.hidden = !found.more;
	fill(nodes.body, entries, () =>
		entries.map((entry) => outlierRow(entry, names)));
	return entries.length;
}

/* Links to the other cards, where there are more than fit a page. */
export function showPages(node, selection, pages) {
	const link = (page, text) => el('a', {
		href: selectionHash({ ...selection, page }),
	}, text);

	node.hidden = pages < 2;
	fill(node, [selection, pages], () => [
		selection.page > 1 ? link(selection.page - 1, t('Previous')) : '',
		el('span', {}, t('Page {page} of {pages}',
			{ page: selection.page, pages })),
		selection.page < pages ? link(selection.page + 1, t('Next')) : '',
	]);
}
