// SPDX-License-Identifier: MIT
/*
 * selection: what the reader looks at, kept in the address behind the #, so
 * that reload, bookmark and the back button keep it.
 */
import { METRICS } from './figures.js';

export const RANGES = {
	today: { title: 'today by hour', words: 'today', days: 1 },
	week: {
		title: 'the last 7 days', words: 'in the last 7 days', days: 7,
	},
	month: {
		title: 'the last 30 days', words: 'in the last 30 days', days: 30,
	},
};

/* Unknown words fall back to the default; camera '' means all of them. */
export function readSelection(hash) {
	const words = new URLSearchParams(hash.replace(/^#/, ''));
	const metric = words.get('metric');
	const range = words.get('range');
	const page = Number.parseInt(words.get('page') ?? '1', 10);

	return {
		camera: words.get('camera') ?? '',
		metric: Object.hasOwn(METRICS, metric) ? metric : 'people',
		range: Object.hasOwn(RANGES, range) ? range : 'today',
		page: page > 0 && page < 10000 ? page : 1,
	};
}

export function selectionHash({ camera, metric, range, page }) {
	const words = new URLSearchParams();

	if (camera)
		words.set('camera', camera);
	words.set('metric', metric);
	words.set('range', range);
	if (page > 1)
		words.set('page', page);
	return `#${words}`;
}
