// SPDX-License-Identifier: MIT
/*
 * view: what the page /explore looks at, kept in the address behind the #.
 *	camera or site   of what; both empty: the first camera
 *	vs               '', 'before', 'year' or another camera's code
 *	metric, show     people, vehicle, face; present or new
 *	days             the last so many days, or 0 with from and to (dates, both
 *	                 included)
 *	level            '' for the one that fits the range
 *	year             of the calendar; 0: that of the range's end
 */
import { METRICS } from './figures.js';
import { addDays } from './when.js';

export const LEVELS = ['hour', 'day', 'week', 'month', 'year'];
/* Days up to which a level is drawn, and up to which it is chosen. */
const DRAWN = { hour: 62, day: 1100, week: 7500, month: 36600, year: 36600 };
const CHOSEN = { hour: 8, day: 120, week: 750, month: 5000, year: 36600 };
const DAYS = [1, 7, 30, 90, 365];
const OLDEST = '2000-01-01';
const NEWEST = '2099-12-31';

const isDate = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? '') &&
	text >= OLDEST && text <= NEWEST &&
	!Number.isNaN(Date.parse(`${text}T00:00:00Z`));

/* Days from one date to another. */
export function daysFrom(first, last) {
	return Math.round((Date.parse(`${last}T00:00:00Z`) -
		Date.parse(`${first}T00:00:00Z`)) / 86400000);
}

function readRange(words) {
	const from = words.get('from');
	const to = words.get('to');
	const days = Number.parseInt(words.get('days') ?? '7', 10);

	if (isDate(from) && isDate(to) && from <= to)
		return { days: 0, from, to };
	return { days: DAYS.includes(days) ? days : 7, from: '', to: '' };
}

/* Unknown words fall back to the default. */
export function readView(hash) {
	const words = new URLSearchParams(hash.replace(/^#/, ''));
	const metric = words.get('metric');
	const level = words.get('level');
	const year = Number.parseInt(words.get('year') ?? '0', 10);

	return {
		site: words.get('site') ?? '',
		camera: words.has('site') ? '' : words.get('camera') ?? '',
		vs: words.get('vs') ?? '',
		metric: Object.hasOwn(METRICS, metric) ? metric : 'people',
		show: words.get('show') === 'new' ? 'new' : 'present',
		level: LEVELS.includes(level) ? level : '',
		year: year >= 2000 && year < 2100 ? year : 0,
		...readRange(words),
	};
}

export function viewHash(view) {
	const words = new URLSearchParams();

	for (const name of ['camera', 'site', 'vs', 'level', 'from', 'to'])
		if (view[name])
			words.set(name, view[name]);
	words.set('metric', view.metric);
	words.set('show', view.show);
	for (const name of ['days', 'year'])
		if (view[name])
			words.set(name, view[name]);
	return `#${words}`;
}

/* { from, to, days, level } on a camera whose wall shows the date today. */
export function rangeOf(view, today) {
	const from = view.days ? addDays(today, 1 - view.days) : view.from;
	const to = view.days ? today : view.to;
	const days = daysFrom(from, to) + 1;
	const fitting = (table) => LEVELS.find((level) => days <= table[level]) ??
		'year';

	return {
		from, to, days,
		level: view.level && days <= DRAWN[view.level] ? view.level :
			fitting(CHOSEN),
	};
}

export const isDrawn = (level, days) => days <= DRAWN[level];

function clipped(from, to) {
	return {
		days: 0, from: from < OLDEST ? OLDEST : from,
		to: to > NEWEST ? NEWEST : to,
	};
}

/* The view of other dates; one that reached today's end keeps its length. */
export function between(view, from, to) {
	return { ...view, ...clipped(from, to) };
}

/* Earlier (-1) or later (1) by the range's length. */
export function shifted(view, { from, to, days }, way) {
	return between(view, addDays(from, way * days), addDays(to, way * days));
}

/* Half the range around its middle, or twice of it; a day is the least. */
export function zoomed(view, { from, to, days }, closer) {
	const by = closer ? Math.floor(days / 4) : -Math.ceil(days / 2);
	const first = addDays(from, by);
	const last = addDays(to, -by);

	if (closer && days === 2)
		return between(view, to, to);
	return { ...between(view, first, last), level: '' };
}
