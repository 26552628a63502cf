// SPDX-License-Identifier: MIT
/*
 * shapes: the lines and zones of a camera, drawn over its picture.  Points are
 * fractions of the picture; the drawing's own unit is a thousandth.  What is
 * drawn by mouse can be typed as well.
 */
import { change, get } from './api.js';
import { el, fill } from './dom.js';
import { byId, say } from './frame.js';
import { t } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const LEAST = { line: 2, zone: 3 };
const MOST = { line: 2, zone: 16 };

let camera = '';
let drawn = { lines: [], zones: [] };
let draft = null; /* { kind, points, name: of a shape that is there or '' } */
let held = null; /* the point that the pointer moves */
let told = () => {};

const percent = (points) => points.map((point) => point.map((part) =>
	+(100 * part).toFixed(1)).join(',')).join(' ');

/* The points of "10,50 90,50", or null. */
export function readPoints(text, kind) {
	const points = text.trim().split(/\s+/).map((pair) =>
		pair.split(',').map((part) => part.trim() === '' ? NaN :
			Number(part) / 100));
	const good = points.every((point) => point.length === 2 &&
		point.every((part) => part >= 0 && part <= 1));

	return good && points.length >= LEAST[kind] &&
		points.length <= MOST[kind] ? points : null;
}

function svg(tag, attributes, ...children) {
	const node = document.createElementNS(SVG, tag);

	for (const [name, value] of Object.entries(attributes))
		node.setAttribute(name, value);
	node.append(...children);
	return node;
}

const scaled = (points) => points.map((point) => point.map((part) =>
	1000 * part));

function shapeNode(kind, points, name, state) {
	const at = scaled(points);
	const [x, y] = at[0] ?? [0, 0];
	const nodes = [svg(kind === 'line' || points.length < 3 ? 'polyline' :
		'polygon', { points: at.map((pair) => pair.join()).join(' ') })];

	if (name)
		nodes.push(svg('text', { x: x + 8, y: y - 10 }, name));
	return svg('g', { class: `${kind} ${state}` }, ...nodes);
}

function draw() {
	const nodes = [];

	for (const { line, points } of drawn.lines)
		if (draft?.kind !== 'line' || draft.name !== line)
			nodes.push(shapeNode('line', points, line, 'there'));
	for (const { zone, points } of drawn.zones)
		if (draft?.kind !== 'zone' || draft.name !== zone)
			nodes.push(shapeNode('zone', points, zone, 'there'));
	if (draft) {
		nodes.push(shapeNode(draft.kind, draft.points, '', 'draft'));
		scaled(draft.points).forEach(([cx, cy], at) =>
			nodes.push(svg('ellipse', { cx, cy, rx: 9, ry: 14,
				'data-point': at })));
	}
	byId('drawing').replaceChildren(...nodes);
}

function showForm() {
	byId('shape').hidden = !draft;
	byId('shape-remove').hidden = !draft?.name;
	for (const node of document.querySelectorAll('.line-only')) {
		node.hidden = draft?.kind !== 'line';
		for (const input of node.querySelectorAll('input'))
			input.disabled = node.hidden;
	}
	for (const kind of ['line', 'zone'])
		byId(`draw-${kind}`).setAttribute('aria-pressed',
			String(draft?.kind === kind && !draft.name));
	byId('how').textContent = !draft ? '' : t(draft.kind === 'line' ?
		'Click where it begins and where it ends; drag a point to move it.' :
		'Click its corners, 3 to 16; drag a point to move it.');
}

function showPoints() {
	byId('shape-points').value = draft ? percent(draft.points) : '';
}

function begin(kind, shape) {
	draft = { kind, points: shape?.points.map((point) => [...point]) ?? [],
		name: shape?.[kind] ?? '' };
	byId('shape-name').value = draft.name;
	byId('shape-in').value = shape?.in ?? 'in';
	byId('shape-out').value = shape?.out ?? 'out';
	showPoints();
	showForm();
	draw();
}

function end() {
	draft = null;
	showForm();
	draw();
}

function showList() {
	const entry = (kind, shape) => {
		const button = el('button', { type: 'button',
			'data-shape': shape[kind] }, kind === 'line' ?
			t('line {name}: {in}, {out}', { name: shape.line, in: shape.in,
				out: shape.out }) :
			t('zone {name}', { name: shape.zone }));

		button.addEventListener('click', () => begin(kind, shape));
		return el('li', {}, button);
	};

	fill(byId('shapes'), [camera, drawn], () => [
		...drawn.lines.map((line) => entry('line', line)),
		...drawn.zones.map((zone) => entry('zone', zone))]);
}

const routeOf = (kind, name) => `/api/v1/cameras/${
	encodeURIComponent(camera)}/${kind}s/${encodeURIComponent(name)}`;

async function load() {
	const asked = camera;
	const { body } = await get(`/api/v1/cameras/${
		encodeURIComponent(camera)}/shapes`);

	if (asked !== camera)
		return;
	drawn = body;
	showList();
	draw();
}

async function save() {
	const form = new FormData(byId('shape'));
	const points = readPoints(form.get('points'), draft.kind);
	const there = drawn[`${draft.kind}s`].find((shape) =>
		shape[draft.kind] === draft.name);

	if (!points) {
		say(t(draft.kind === 'line' ? 'A line has two points.' :
			'A zone has 3 to 16 points.'), true);
		byId('shape-points').focus();
		return;
	}
	/* What this form does not know of a line stays as it is. */
	const { line, zone, ...kept } = there ?? {};
	await change('PUT', routeOf(draft.kind, form.get('name')),
		draft.kind === 'line' ? { ...kept, points, in: form.get('in'),
			out: form.get('out') } : { points });
	if (draft.name && draft.name !== form.get('name'))
		await change('DELETE', routeOf(draft.kind, draft.name));
	end();
	await load();
	told();
}

async function remove() {
	await change('DELETE', routeOf(draft.kind, draft.name));
	end();
	await load();
	told();
}

const guarded = (act) => async (event) => {
	event?.preventDefault();
	try {
		await act();
		say('');
	} catch (cause) {
		say(cause.message, true);
	}
};

function pointAt(event) {
	const box = byId('drawing').getBoundingClientRect();
	const part = (at, from, size) => Math.min(1, Math.max(0,
		+((at - from) / size).toFixed(4)));

	return [part(event.clientX, box.left, box.width),
		part(event.clientY, box.top, box.height)];
}

function press(event) {
	if (!draft || event.button)
		return;
	const at = event.target.dataset?.point;

	event.preventDefault();
	byId('drawing').setPointerCapture(event.pointerId);
	if (at !== undefined) {
		held = Number(at);
	} else if (draft.points.length < MOST[draft.kind]) {
		held = draft.points.push(pointAt(event)) - 1;
		showPoints();
		draw();
	}
}

function drag(event) {
	if (held === null || !draft)
		return;
	draft.points[held] = pointAt(event);
	showPoints();
	draw();
}

/* Once; after is called when something has been changed. */
export function listenShapes(after) {
	told = after;
	for (const kind of ['line', 'zone'])
		byId(`draw-${kind}`).addEventListener('click', () => begin(kind));
	byId('shape').addEventListener('submit', guarded(save));
	byId('shape-remove').addEventListener('click', guarded(remove));
	byId('shape-cancel').addEventListener('click', end);
	byId('shape-points').addEventListener('input', ({ target }) => {
		const points = draft && readPoints(target.value, draft.kind);
		if (points) {
			draft.points = points;
			draw();
		}
	});
	byId('drawing').addEventListener('pointerdown', press);
	byId('drawing').addEventListener('pointermove', drag);
	for (const name of ['pointerup', 'pointercancel'])
		byId('drawing').addEventListener(name, () => {
			held = null;
		});
}

/* Shows another camera's; '' none. */
export async function showShapes(code, may_draw) {
	camera = code;
	drawn = { lines: [], zones: [] };
	byId('drawers').hidden = !may_draw;
	end();
	showList();
	if (code)
		await guarded(load)();
}
