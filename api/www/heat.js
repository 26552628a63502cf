// SPDX-License-Identifier: MIT
/*
 * heat: figures as coloured tables: the usual week (weekday × hour) and a
 * year's days.  A cell's colour is one of nine steps, set by data-step, and
 * never the only sign: the figure is its text or its name.
 */
import { el, fill } from './dom.js';
import { count, isNumber, real } from './figures.js';
import { firstOf } from './slots.js';
import { addDays, dateLabel, monthShort, weekdayName }
	from './when.js';
import { t } from './words.js';

const STEPS = 8;

/* 0: nothing; 1 to STEPS by the share of the highest. */
function step(value, highest) {
	if (!isNumber(value))
		return null;
	return value <= 0 || !highest ? 0 :
		Math.max(1, Math.ceil(STEPS * value / highest));
}

const highestOf = (values) => Math.max(0, ...values.filter(isNumber));

/*
 * usual as usual.js makes it.  show: 'present' is the mean, 'new' what comes in
 * that hour of a day.
 */
export function showProfile(table, usual, show) {
	const value = (cell) => show === 'new' ? cell?.arrivals ?? null :
		cell?.mean ?? null;
	const highest = highestOf(usual.hour.flat().map(value));

	fill(table.tHead, 'heads', () => [el('tr', {}, el('td'),
		...Array.from({ length: 24 }, (_, hour) => el('th',
			{ scope: 'col' }, String(hour).padStart(2, '0'))))]);
	fill(table.tBodies[0], [usual, show], () =>
		[1, 2, 3, 4, 5, 6, 7].map((weekday) => el('tr',
			{ 'data-weekday': weekday },
			el('th', { scope: 'row' }, weekdayName(weekday)),
			...usual.hour[weekday].map((cell, hour) => el('td', {
				'data-hour': hour, 'data-step': step(value(cell), highest),
				'data-value': value(cell) ?? '',
				title: cell ? t('{day} {hour}:00, {n} rows', {
					day: weekdayName(weekday), n: count(cell.n),
					hour: String(hour).padStart(2, '0'),
				}) : null,
			}, cell ? real(value(cell)) : '–')))));
}

/* The weeks that a year's days lie in, from their Mondays on. */
function weeksOf(year) {
	const weeks = [];

	for (let monday = firstOf('week', `${year}-01-01`);
	     monday <= `${year}-12-31`; monday = addDays(monday, 7))
		weeks.push(monday);
	return weeks;
}

/* A month's name above the week in which it begins. */
function monthHeads(weeks, year) {
	return weeks.map((monday) => {
		const first = Array.from({ length: 7 }, (_, at) =>
			addDays(monday, at)).find((date) => date.endsWith('-01') &&
				date.startsWith(year));
		return first ? el('th', { scope: 'col' }, monthShort(first)) :
			el('td');
	});
}

/*
 * days: { '2026-11-21': { value, text } }; hrefOf gives a day's link.
 */
export function showYear(table, year, days, hrefOf) {
	const weeks = weeksOf(year);
	const highest = highestOf(Object.values(days).map(({ value }) => value));
	const cell = (date) => {
		if (!date.startsWith(year))
			return el('td', { class: 'outside' });
		const day = days[date];
		return el('td', {
			'data-date': date, 'data-step': step(day?.value, highest),
			'data-value': day?.value ?? '',
		}, day ? el('a', {
			href: hrefOf(date), title: `${dateLabel(date)}: ${day.text}`,
			'aria-label': `${dateLabel(date)}: ${day.text}`,
		}) : null);
	};

	fill(table.tHead, [year], () => [el('tr', {}, el('td'),
		...monthHeads(weeks, year))]);
	fill(table.tBodies[0], [year, days, hrefOf('')], () =>
		[1, 2, 3, 4, 5, 6, 7].map((weekday) => el('tr', {},
			el('th', { scope: 'row' }, weekdayName(weekday)),
			...weeks.map((monday) => cell(addDays(monday, weekday - 1))))));
}
