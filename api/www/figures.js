// SPDX-License-Identifier: MIT
/*
 * figures: statistics laid on an axis.  Nothing here touches the document.
 *
 * A row of the result is one bucket of one metric:
 *	kind     'measured', 'unmeasured' (rows arrived without this metric),
 *	         'missing' (no row arrived) or 'ahead' (still to come)
 *	running  the bucket has begun and not ended
 *	label    its start on the camera's wall, as the API wrote it
 *	figure   { n, sum, mean, std, reference, min, max, new } or null
 *	watched  seconds observed; length: seconds of the bucket so far
 *	classes  { car, … } present, or null
 */
import { labelOf, placed } from './slots.js';
import { locale } from './words.js';

export const METRICS = {
	people: { title: 'People', unit: 'people' },
	vehicle: { title: 'Vehicles', unit: 'vehicles' },
	face: { title: 'Faces', unit: 'faces' },
};

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(locale,
	{ minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const isNumber = (value) => typeof value === 'number';

/* What is not measured is a dash, never a zero. */
export function count(value) {
	return isNumber(value) ? whole.format(value) : '–';
}

export function real(value) {
	return isNumber(value) ? tenth.format(value) : '–';
}

function kindOf(item, figure, slot, now) {
	if (figure)
		return 'measured';
	if (item)
		return 'unmeasured';
	return slot.start > now ? 'ahead' : 'missing';
}

function rowOf(slot, item, metric, now) {
	const start = item ? Date.parse(item.start) : slot.start;
	const end = item ? Date.parse(item.end) : slot.end;
	const figure = item?.[metric] ?? null;

	return {
		slot, figure, start, end,
		label: item ? labelOf(slot, item.start) : slot.label,
		key: item?.start ?? String(slot.start),
		kind: kindOf(item, figure, slot, now),
		running: start <= now && now < end,
		watched: item?.observed_s ?? null,
		classes: item?.classes ?? null,
		length: Math.max(1, Math.round((Math.min(end, now) - start) / 1000)),
	};
}

/* Buckets on their slots, in the order of time. */
export function join(slots, items, metric, now) {
	return placed(slots, items).map(([slot, item]) =>
		rowOf(slot, item, metric, now));
}

/* Share of a bucket that was watched, in whole per cent, or null. */
export function coverage(row) {
	if (!isNumber(row.watched))
		return null;
	const share = Math.round(100 * row.watched / row.length);

	/* The last interval may reach a few seconds ahead of the clock. */
	return row.running ? Math.min(100, share) : share;
}

/*
 * Outliers of one metric, one entry each: a row that exceeds in two metrics
 * is two entries.
 */
export function outliersOf(items, metric) {
	const entries = [];

	for (const item of items) {
		const named = [item.exceeded ?? [], item.below ?? []].flat();

		for (const [name, found] of Object.entries(item.metrics ?? {}))
			if (found && (!named.length || named.includes(name)) &&
			    (!metric || name === metric))
				entries.push({ item, metric: name, ...found });
	}
	return entries;
}
