// SPDX-License-Identifier: MIT
/*
 * slots: the axis of a chart, a slot for each local hour or day, in order:
 *	start, end  instants as far as the browser's zone data knows
 *	text        the start as the API would write it (a day: its date)
 *	short       below the axis; label: beside the figures
 *
 * That data may be older than the server's, so a bucket finds its slot and
 * its words by the wall time that the API wrote, not by the instant.
 */
import { QUARTER, addDays, dateLabel, dateShort, dayStart, monthLabel, monthShort,
	offsetText, wall } from './when.js';

/* "01:00", or "01:00 +02:00" where the clock shows that hour twice. */
function hourLabel(text, twice) {
	return text.slice(11, 16) + (twice ? ` ${text.slice(19)}` : '');
}

/*
 * The local hours of a day.  An hour that the clock shows twice is there
 * twice and has `twice` set.
 */
export function hourSlots(date, tz) {
	const end = dayStart(addDays(date, 1), tz);
	const slots = [];
	let last = '';

	for (let at = dayStart(date, tz); at < end; at += QUARTER) {
		const { time, offset } = wall(at, tz);
		const key = `${time.slice(0, 2)} ${offset}`;

		if (key === last)
			continue;
		last = key;
		if (slots.length)
			slots.at(-1).end = at;
		slots.push({
			start: at, end, short: time.slice(0, 5),
			text: `${date}T${time}${offsetText(offset)}`,
		});
	}
	slots.forEach((slot, order) => {
		slot.order = order;
		slot.twice = slots.filter(({ text }) =>
			text.slice(0, 13) === slot.text.slice(0, 13)).length > 1;
		slot.label = hourLabel(slot.text, slot.twice);
	});
	return slots;
}

/* The count local days that end with the date last. */
export function daySlots(last, count, tz) {
	const slots = [];

	for (let back = count - 1; back >= 0; back--) {
		const date = addDays(last, -back);
		const start = dayStart(date, tz);
		const label = dateLabel(date);

		slots.push({
			start, end: dayStart(addDays(date, 1), tz), label,
			short: dateShort(date), text: date, order: slots.length,
		});
	}
	return slots;
}

/* The first date of the week, month or year that holds a date. */
export function firstOf(level, date) {
	if (level === 'week') {
		const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
		return addDays(date, -((weekday + 6) % 7));
	}
	return level === 'month' ? `${date.slice(0, 7)}-01` :
		level === 'year' ? `${date.slice(0, 4)}-01-01` : date;
}

/* The first date of the one after. */
export function nextOf(level, date) {
	const days = { hour: 1, day: 1, week: 7, month: 32, year: 367 }[level];

	return firstOf(level, addDays(firstOf(level, date), days));
}

const WORDS = {
	day: [dateShort, dateLabel],
	week: [dateShort, (date) => `${dateLabel(date)} – ${
		dateLabel(addDays(date, 6))}`],
	month: [monthShort, monthLabel],
	year: [(date) => date.slice(0, 4), (date) => date.slice(0, 4)],
};

/* Hours of several days: the date stands with the hour. */
function hoursOf(from, to, tz) {
	const slots = [];

	for (let date = from; date <= to; date = addDays(date, 1))
		for (const slot of hourSlots(date, tz))
			slots.push(from === to ? slot : {
				...slot, order: slots.length, day: dateLabel(date),
				label: `${dateLabel(date)} ${slot.label}`, short: slot.text.slice(11, 13) === '00' ?
					dateShort(date) : slot.short,
			});
	return slots;
}

/* The slots of a level that begin in the dates from … to. */
export function levelSlots(level, from, to, tz) {
	const slots = [];

	if (level === 'hour')
		return hoursOf(from, to, tz);
	for (let date = firstOf(level, from); date <= to;
	     date = nextOf(level, date)) {
		const [short, label] = WORDS[level];

		slots.push({
			start: dayStart(date, tz), label: label(date),
			end: dayStart(nextOf(level, date), tz), short: short(date),
			text: date, order: slots.length,
		});
	}
	return slots;
}

/* The slot of a bucket that starts at text, or undefined. */
function slotOf(slots, text) {
	const same = slots.filter((slot) =>
		text.startsWith(slot.text.slice(0, 13)));

	return same.find((slot) => text === slot.text) ??
		same.find((slot) => text.endsWith(slot.text.slice(19))) ?? same[0];
}

/* A slot for an hour that the server knows and the browser does not. */
function strangeSlot(slots, text) {
	const before = slots.filter((slot) => slot.text < text).length;

	return { short: text.slice(11, 16), twice: false, order: before - 0.5 };
}

/*
 * [slot, item or null] in the order of the axis: buckets on their slots, and
 * a slot without a bucket as a gap.  Buckets of other days are left out.
 */
export function placed(slots, items) {
	const rest = new Set(slots);
	const pairs = [];

	for (const item of items) {
		const slot = slotOf(slots, item.start);

		if (slot)
			pairs.push([slot, item]);
		else if (item.start.startsWith(slots[0].text.slice(0, 10)))
			pairs.push([strangeSlot(slots, item.start), item]);
		rest.delete(slot);
	}
	for (const slot of rest)
		pairs.push([slot, null]);
	return pairs.sort(([a], [b]) => a.order - b.order);
}

/* What stands beside the figures of a bucket that starts at text. */
export function labelOf(slot, text) {
	const words = 'twice' in slot ? hourLabel(text, slot.twice) : slot.label;

	return slot.day ? `${slot.day} ${words}` : words;
}
