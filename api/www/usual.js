// SPDX-License-Identifier: MIT
/*
 * usual: what the weeks before have to say about an hour or a day, from the
 * weekday × hour profile.  Nothing here touches the document.
 */
import { weekdayOf } from './when.js';

/* Sums of figures that the API gives as mean and deviation; k of its
 * reference. */
export function pool(figures) {
	const all = { n: 0, sum: 0, squares: 0, min: null, max: null, fresh: 0 };
	let k = null;

	for (const one of figures) {
		if (!one || !one.n)
			continue;
		all.n += one.n;
		all.sum += one.sum;
		all.squares += one.n * (one.std * one.std + one.mean * one.mean);
		all.min = all.min === null ? one.min : Math.min(all.min, one.min);
		all.max = all.max === null ? one.max : Math.max(all.max, one.max);
		all.fresh += one.new ?? 0;
		if (one.std > 0)
			k = (one.reference - one.mean) / one.std;
	}
	if (!all.n)
		return null;
	const mean = all.sum / all.n;
	const std = Math.sqrt(Math.max(0, all.squares / all.n - mean * mean));

	return {
		n: all.n, mean, std, min: all.min, max: all.max, new: all.fresh,
		reference: mean + (k ?? 0) * std,
	};
}

/* What was present, and how many came new on each of so many days. */
function cellOf(items, metric, days) {
	const found = pool(items.map((item) => item[metric]));

	return found && { ...found, arrivals: days ? found.new / days : null };
}

/*
 * { hour: [weekday 1–7][hour 0–23], day: [weekday] } of a profile's items;
 * null where nothing was measured.  dates are those that have rows.
 */
export function usualOf(items, dates, metric) {
	const hour = [];
	const day = [];

	for (let weekday = 1; weekday <= 7; weekday++) {
		const mine = items.filter((item) => item.weekday === weekday);
		const days = dates.filter((date) =>
			weekdayOf(date) === weekday).length;

		hour[weekday] = Array.from({ length: 24 }, (_, at) => cellOf(
			mine.filter((item) => item.hour === at), metric, days));
		day[weekday] = cellOf(mine, metric, days);
	}
	return { hour, day };
}

/*
 * What is usual for a bucket of the level hour or day that starts at the wall
 * time text: { low, middle, high } or null.  Of what came new there is only
 * the middle.
 */
export function expected(usual, level, show, text) {
	const weekday = weekdayOf(text.slice(0, 10));
	const cell = level === 'hour' ?
		usual.hour[weekday][Number(text.slice(11, 13))] :
		level === 'day' ? usual.day[weekday] : null;

	if (!cell)
		return null;
	if (show === 'new')
		return cell.arrivals === null ? null :
			{ low: null, middle: cell.arrivals, high: null };
	return {
		low: Math.max(0, 2 * cell.mean - cell.reference),
		middle: cell.mean, high: cell.reference,
	};
}
