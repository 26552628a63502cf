// SPDX-License-Identifier: MIT
/*
 * alarm: says on the page when an outlier at alert level arrives, as the stream
 * tells it.  A tab that is not seen listens to nothing, for a browser has few
 * connections to one server; it hears what it missed when it is seen again.
 */
import { get } from './api.js';
import { el } from './dom.js';
import { METRICS, count, outliersOf, real } from './figures.js';
import { momentLabel } from './when.js';
import { t } from './words.js';

const SHOWN_MAX = 3;
const AGAIN_MS = 5000;
const AGAIN_MAX_MS = 120000;

function words(item, camera) {
	const found = outliersOf([item]).map(({ metric, value, reference }) =>
		t('{n} {metric}, reference {reference}', {
			n: count(value), metric: t(METRICS[metric]?.unit ?? metric),
			reference: real(reference),
		}));

	return t('{camera}, {when}: {what}', {
		camera: camera?.name || item.camera, what: found.join('; '),
		when: momentLabel(Date.parse(item.start_at), camera?.tz ?? 'UTC'),
	});
}

/* Who hid one by a key goes on from the next, or from where the page begins. */
function hide(place, one) {
	const held = one.contains(document.activeElement);

	one.remove();
	if (!held)
		return;
	const next = place.querySelector('button') ?? document.querySelector('h1');

	if (next.localName === 'h1')
		next.tabIndex = -1;
	next.focus();
}

function show(place, item, camera) {
	const gone = el('button', { type: 'button' }, t('Hide it'));
	const where = new URLSearchParams({ camera: item.camera });
	const one = el('p', { class: 'alarm', 'data-outlier': item.id },
		el('a', { href: `/outliers#${where}` }, words(item, camera)), gone);

	gone.addEventListener('click', () => hide(place, one));
	one.addEventListener('keydown', ({ key }) =>
		key === 'Escape' && hide(place, one));
	place.prepend(one);
	while (place.children.length > SHOWN_MAX)
		place.lastElementChild.remove();
}

async function cameraOf(code) {
	try {
		return (await get(`/api/v1/cameras/${encodeURIComponent(code)}`)).body;
	} catch {
		return undefined; /* its code stands for it */
	}
}

/*
 * known(code) is what the page knows of a camera, or undefined; heard is called
 * after each alarm.  Returns { pause(yes) }.
 */
export function alarm(known = () => undefined, heard = () => {}) {
	const place = el('div', { class: 'alarms', role: 'alert' });
	let source = null;
	let paused = false;
	let last = ''; /* where to go on after a break */
	let wait = AGAIN_MS;
	let timer = null;
	let turn = Promise.resolve(); /* they are shown in the order they came */

	const close = () => {
		clearTimeout(timer);
		source?.close();
		source = null;
	};
	const open = () => {
		if (paused || document.hidden) {
			close();
			return;
		}
		if (source && source.readyState !== EventSource.CLOSED)
			return;
		close();
		source = new EventSource(`/api/v1/stream${
			last ? `?last_event_id=${encodeURIComponent(last)}` : ''}`);
		source.addEventListener('open', () => { wait = AGAIN_MS; });
		source.addEventListener('outlier', ({ data, lastEventId }) => {
			const item = JSON.parse(data);
			const asked = known(item.camera) ?? cameraOf(item.camera);

			last = lastEventId;
			turn = turn.then(async () => {
				show(place, item, await asked);
				heard(item);
			});
		});
		source.addEventListener('reset', ({ lastEventId }) => {
			last = lastEventId;
		});
		/* The browser comes again by itself, unless it was refused. */
		source.addEventListener('error', ({ target }) => {
			if (target.readyState !== EventSource.CLOSED)
				return;
			timer = setTimeout(open, wait);
			wait = Math.min(AGAIN_MAX_MS, 2 * wait);
		});
	};

	document.body.append(place);
	document.addEventListener('visibilitychange', open);
	addEventListener('pagehide', close);
	/* Back from the browser's memory. */
	addEventListener('pageshow', open);
	open();
	return {
		pause(yes) {
			paused = yes;
			open();
		},
	};
}
