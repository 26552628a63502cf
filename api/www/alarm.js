// SPDX-License-Identifier: MIT
/*
 * alarm: says on the page when an outlier at alert level arrives, as the stream
 * tells it.  Who looks at another page hears nothing: a browser has few
 * connections to one server, and the lists tell later what was missed.
 */
import { el } from './dom.js';
import { METRICS, count, outliersOf, real } from './figures.js';
import { momentLabel } from './when.js';
import { t } from './words.js';

const SHOWN_MAX = 3;
const title = document.title;

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

function show(place, item, camera) {
	const gone = el('button', { type: 'button' }, t('Hide it'));
	const where = new URLSearchParams({ camera: item.camera });
	const one = el('p', { class: 'alarm', 'data-outlier': item.id },
		el('a', { href: `/outliers#${where}` }, words(item, camera)), gone);

	gone.addEventListener('click', () => {
		one.remove();
		if (!place.children.length)
			document.title = title;
	});
	place.prepend(one);
	while (place.children.length > SHOWN_MAX)
		place.lastElementChild.remove();
	document.title = `▲ ${title}`;
}

/*
 * camera(code) is what is known of a camera, or undefined; heard is called
 * after each alarm.  Returns { pause(yes) }.
 */
export function alarm(camera, heard) {
	const place = el('div', { class: 'alarms', role: 'alert' });
	let source = null;
	let paused = false;

	const open = () => {
		const wanted = !paused && !document.hidden;
		if (wanted && !source) {
			/* Told again after a break, from where it was. */
			source = new EventSource('/api/v1/stream');
			source.addEventListener('outlier', ({ data }) => {
				const item = JSON.parse(data);
				show(place, item, camera(item.camera));
				heard(item);
			});
		} else if (!wanted && source) {
			source.close();
			source = null;
		}
	};

	document.body.append(place);
	document.addEventListener('visibilitychange', open);
	addEventListener('pagehide', () => source?.close());
	open();
	return {
		pause(yes) {
			paused = yes;
			open();
		},
	};
}
