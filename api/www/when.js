// SPDX-License-Identifier: MIT
/*
 * when: the clock on a camera's wall.
 *
 * Instants are milliseconds since 1970, dates are "2026-11-21".  Days and
 * hours are those of an IANA zone, so a day has 23 to 25 hours; the zone of
 * the browser never matters.
 */
import { locale, t } from './words.js';

export const QUARTER = 15 * 60 * 1000;

const formats = new Map();
const starts = new Map();

function formatOf(tz) {
	if (formats.has(tz))
		return formats.get(tz);

	const wanted = {
		hourCycle: 'h23', year: 'numeric', month: '2-digit',
		day: '2-digit', hour: '2-digit', minute: '2-digit',
		second: '2-digit',
	};
	let format;
	try {
		format = new Intl.DateTimeFormat('en-US',
			{ ...wanted, timeZone: tz });
	} catch {
		/* A zone newer than the browser: its days are shown in UTC. */
		format = new Intl.DateTimeFormat('en-US',
			{ ...wanted, timeZone: 'UTC' });
	}
	formats.set(tz, format);
	return format;
}

/* The date, the time of day and the offset (ms) that a zone shows. */
export function wall(at, tz) {
	const part = {};
	for (const { type, value } of formatOf(tz).formatToParts(at))
		part[type] = value;
	const date = `${part.year}-${part.month}-${part.day}`;
	const time = `${part.hour}:${part.minute}:${part.second}`;
	const whole = Math.floor(at / 1000) * 1000;

	return { date, time, offset: Date.parse(`${date}T${time}Z`) - whole };
}

export function addDays(date, count) {
	const at = new Date(`${date}T00:00:00Z`);

	at.setUTCDate(at.getUTCDate() + count);
	return at.toISOString().slice(0, 10);
}

/* The first instant of a local date, also where midnight does not exist. */
export function dayStart(date, tz) {
	const key = `${date} ${tz}`;
	if (starts.has(key))
		return starts.get(key);

	let at = Date.parse(`${date}T00:00:00Z`);
	at -= wall(at, tz).offset;
	while (wall(at, tz).date >= date)
		at -= QUARTER;
	while (wall(at, tz).date < date)
		at += QUARTER;

	if (starts.size > 5000)
		starts.clear();
	starts.set(key, at);
	return at;
}

export function offsetText(offset) {
	const minutes = Math.abs(offset) / 60000;
	const two = (n) => String(Math.floor(n)).padStart(2, '0');

	return `${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${
		two(minutes % 60)}`;
}

const utc = (options) => new Intl.DateTimeFormat(locale,
	{ ...options, timeZone: 'UTC' });
const long_date = utc({ weekday: 'short', day: 'numeric', month: 'short' });
const short_date = utc({ day: 'numeric', month: 'short' });
const month_only = utc({ month: 'short' });
const with_year = utc({ month: 'short', year: 'numeric' });
const day_name = utc({ weekday: 'short' });
const of = (format, date) => format.format(new Date(`${date}T00:00:00Z`));

/* "Sat 21 Nov", in the page's language */
export const dateLabel = (date) => of(long_date, date).replace(',', '');
/* "21 Nov" */
export const dateShort = (date) => of(short_date, date);
/* "Nov", "Nov 2026" */
export const monthShort = (date) => of(month_only, date);
export const monthLabel = (date) => of(with_year, date);
/* 1 is Monday, as in the API. */
export const weekdayName = (weekday) => of(day_name, `2024-01-0${weekday}`);
/* 1 is Monday: of a date. */
export const weekdayOf = (date) =>
	(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7 + 1;

/* "Sat 21 Nov 17:46" on the camera's wall. */
export function momentLabel(at, tz) {
	const { date, time } = wall(at, tz);

	return `${dateLabel(date)} ${time.slice(0, 5)}`;
}

/* "3 min ago"; what lies ahead of the clock is "just now". */
export function ago(at, now) {
	const seconds = Math.max(0, Math.round((now - at) / 1000));

	if (seconds < 60)
		return seconds < 10 ? t('just now') : t('{n} s ago', { n: seconds });
	if (seconds < 3600)
		return t('{n} min ago', { n: Math.floor(seconds / 60) });
	if (seconds < 48 * 3600)
		return t('{n} h ago', { n: Math.floor(seconds / 3600) });
	return t('{n} days ago', { n: Math.floor(seconds / 86400) });
}

/* Seconds as "45 s", "12 min" or "23 h 30 min". */
export function span(seconds) {
	if (seconds < 60)
		return t('{n} s', { n: seconds });
	const minutes = Math.floor(seconds / 60);
	const left = minutes % 60;

	if (minutes < 60)
		return t('{n} min', { n: minutes });
	const hours = t('{n} h', { n: Math.floor(minutes / 60) });

	return left ? `${hours} ${t('{n} min', { n: left })}` : hours;
}
