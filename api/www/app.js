// SPDX-License-Identifier: MIT
/*
 * app: the page at /.  Read in this order: selection.js (what is looked at),
 * load.js (what is asked of the API), figures.js and when.js (buckets on an
 * axis), card.js, timeline.js and lists.js (how it looks).
 */
import { alarm } from './alarm.js';
import { Card } from './card.js';
import { setText } from './dom.js';
import { METRICS, coverage } from './figures.js';
import { keepFresh, nextFrame } from './fresh.js';
import { nameOf, seenText, showCameras, showHealth, showOutliers, showPages,
	stateWord } from './lists.js';
import { learn, load } from './load.js';
import { RANGES, readSelection, selectionHash } from './selection.js';
import { begin, byId, say } from './frame.js';
import { locale, t } from './words.js';

const REFRESH_MS = 10000;

const cards = new Map();
let selection = readSelection(location.hash);
let paused = false;
let ids = 0;
let known = new Map(); /* cameras by code */

function about(camera, { dayRow }, now) {
	const share = dayRow.kind === 'missing' ? null : coverage(dayRow);

	return [seenText(camera, now), camera.tz,
		share === null ? null : t('watched {share} % of today so far',
			{ share }),
	].filter(Boolean).join(' · ');
}

function showCard(entry, now) {
	const { camera } = entry;
	const code = camera.camera;

	if (!cards.has(code))
		cards.set(code, new Card(code, `card-${++ids}`));
	const card = cards.get(code);

	card.head({
		name: nameOf(camera), state: camera.state,
		stateWord: stateWord(camera), about: about(camera, entry, now),
	}, entry.day);
	return card;
}

/* What is drawn is drawn card by card, for a chart takes its time. */
async function drawCards(loaded, mine) {
	const range = t(RANGES[selection.range].words);

	for (const { camera, rows, outliers, usual } of loaded.cards) {
		cards.get(camera.camera)?.figures({
			rows, outliers, usual, metric: selection.metric, range,
		});
		await nextFrame();
		if (!mine())
			return;
	}
}

function showCards(loaded) {
	const place = byId('cards');
	const wanted = new Set(loaded.cards.map(({ camera }) => camera.camera));

	for (const [code, card] of cards)
		if (!wanted.has(code)) {
			card.remove();
			cards.delete(code);
		}
	place.querySelector('.nothing')?.remove();
	loaded.cards.forEach((entry, at) => {
		const card = showCard(entry, loaded.now);

		if (place.children[at] !== card.root)
			place.insertBefore(card.root, place.children[at] ?? null);
	});
	if (!loaded.cards.length) {
		const note = document.createElement('p');
		note.className = 'card nothing';
		note.textContent = selection.camera ?
			t('There is no {name}.', { name: selection.camera }) :
			t('No camera has sent counts yet.');
		place.append(note);
	}
}

function show(loaded) {
	const names = new Map(loaded.cameras.map((camera) =>
		[camera.camera, camera]));

	known = names;
	showHealth(byId('health'), loaded.health);
	showCameras({ list: byId('cameras'), select: byId('camera') },
		loaded.cameras, selection, loaded.now);
	setText(byId('cards-title'), `${t(METRICS[selection.metric].title)}, ${
		t(RANGES[selection.range].title)}`);
	showCards(loaded);
	showPages(byId('pages'), { ...selection, page: loaded.page },
		loaded.pages);
	showOutliers({
		none: byId('outliers-none'), scroll: byId('outliers-scroll'),
		more: byId('outliers-more'),
		body: byId('outliers').tBodies[0],
	}, loaded.found, names);

	const at = new Date();
	byId('updated').dateTime = at.toISOString();
	setText(byId('updated'), at.toLocaleTimeString(locale,
		{ hour12: false }));
}

/* The log-in is over; the server answers / with the form. */
function leave(shown) {
	const asked = new URLSearchParams(location.search).get('login');

	if (asked === 'expired' && !shown)
		say(t('The log-in is not accepted. Log out, then log in again.'),
			true);
	else
		location.replace(`/?login=expired${location.hash}`);
}

async function work(signal, mine) {
	const loaded = await load(selection, signal);

	if (!mine())
		return;
	show(loaded);
	await drawCards(loaded, mine);
	/* Figures first; what is usual changes once a day. */
	if (mine() && await learn(loaded, selection, signal) && mine())
		await drawCards(loaded, mine);
	if (mine() && location.search)
		history.replaceState(null, '', `/${location.hash}`);
}

function showChoice() {
	byId('camera').value = selection.camera;
	for (const name of ['metric', 'range'])
		for (const radio of document.getElementsByName(name))
			radio.checked = radio.value === selection[name];
}

function listen() {
	byId('choice').addEventListener('change', () => {
		const form = new FormData(byId('choice'));
		location.hash = selectionHash({
			camera: form.get('camera'), metric: form.get('metric'),
			range: form.get('range'), page: 1,
		});
	});
	byId('choice').addEventListener('submit', (event) =>
		event.preventDefault());
	addEventListener('hashchange', () => {
		selection = readSelection(location.hash);
		showChoice();
		fresh.refresh();
	});
	byId('skip').addEventListener('click', (event) => {
		event.preventDefault();
		byId('cards-title').focus();
	});
	byId('pause').addEventListener('click', ({ currentTarget }) => {
		paused = !paused;
		news.pause(paused);
		currentTarget.setAttribute('aria-pressed', String(paused));
		setText(currentTarget, t(paused ? 'Paused' : 'Pause'));
		fresh.pause(paused);
	});
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change',
		() => cards.forEach((card) => card.redraw()));
}

begin();
const fresh = keepFresh(work, REFRESH_MS, leave);
const news = alarm((code) => known.get(code), fresh.refresh);
showChoice();
listen();
fresh.refresh();
