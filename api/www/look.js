// SPDX-License-Identifier: MIT
/*
 * look: everything that one view of /explore needs of the API.
 */
import { get, list, query } from './api.js';
import { join, outliersOf } from './figures.js';
import { firstOf, levelSlots, nextOf } from './slots.js';
import { USUAL_DAYS } from './load.js';
import { expected, usualOf } from './usual.js';
import { rangeOf } from './view.js';
import { addDays, dayStart, wall } from './when.js';

const OUTLIERS_MAX = 1000;

/* A camera names its site, too. */
export const isSite = (subject) => subject.camera === undefined;

const of = (subject) => isSite(subject) ?
	{ site: subject.site } : { camera: subject.camera };

/* The path of statistics; from and to are dates, to is not included. */
export function statsPath(level, subject, from, to, more = {}) {
	return `/api/v1/stats/${level}?${query({ ...of(subject), from, to,
		...more })}`;
}

async function stats(level, subject, from, to, metric, signal) {
	return (await list(statsPath(level, subject, from, to, { metric }),
		signal)).items;
}

/* Rows of the level on the subject's axis. */
async function series(subject, { level, from, to }, metric, now, signal) {
	const first = firstOf(level, from);
	const items = await stats(level, subject, first, addDays(to, 1), metric,
		signal);

	return join(levelSlots(level, from, to, subject.tz), items, metric, now);
}

/* The subject and range that it is compared with, or null. */
function versus(view, subject, range, cameras) {
	const { from, to, days } = range;
	const back = view.vs === 'year' ?
		364 * Math.ceil(days / 364) : Math.ceil(days / 7) * 7;

	if (view.vs === 'before' || view.vs === 'year')
		return { subject, range: { ...range, from: addDays(from, -back),
			to: addDays(to, -back) } };
	const camera = cameras.find(({ camera }) => camera === view.vs);

	return camera ? { subject: camera, range } : null;
}

function outliers(subject, { from, to }, signal) {
	return isSite(subject) ? { items: [], more: false } : list(`/api/v1/outliers?${query({
		camera: subject.camera, level: 'alert', limit: OUTLIERS_MAX,
		from: new Date(dayStart(from, subject.tz)).toISOString(),
		to: new Date(dayStart(addDays(to, 1), subject.tz)).toISOString(),
	})}`, signal, 1);
}

/* On the rows that hold them. */
function marksOf(items, metric, rows) {
	return outliersOf(items, metric).map((found) => {
		const at = Date.parse(found.item.start_at);
		return { ...found, row: rows.find(({ start, end }) =>
			start <= at && at < end) };
	}).filter(({ row }) => row);
}

/* The camera or site that a view names, else the first there is. */
export function subjectOf(view, cameras, sites) {
	if (view.site) {
		const site = sites.find(({ name }) => name === view.site);
		return site ? { site: site.name, name: site.name, tz: site.tz } :
			null;
	}
	return view.camera ?
		cameras.find(({ camera }) => camera === view.camera) ?? null :
		cameras.find(({ state }) => state === 'live') ?? cameras[0] ?? null;
}

/* { cameras, sites, now }: what there is to choose from. */
export async function choices(signal) {
	const [{ at }, { items: cameras }, { items: sites }] = await Promise.all([
		get('/api/v1/sites?limit=1', signal),
		list('/api/v1/cameras', signal), list('/api/v1/sites', signal)]);

	return { cameras, sites, now: at };
}

/*
 * { today, range, rows, compared, other, usual, expected, outliers, days,
 * year }: of a subject.  days has the year's buckets, expected an entry for
 * each row.
 */
export async function look(view, subject, cameras, now, signal) {
	const { date: today } = wall(now, subject.tz);
	const range = rangeOf(view, today);
	const other = versus(view, subject, range, cameras);
	const year = String(view.year || range.to.slice(0, 4));
	const learnt = [addDays(range.from, -USUAL_DAYS), range.from];
	const { metric } = view;
	const [rows, compared, profile, before, days, found] = await Promise.all([
		series(subject, range, metric, now, signal),
		other && series(other.subject, other.range, metric, now, signal),
		stats('profile', subject, ...learnt, metric, signal),
		stats('day', subject, ...learnt, metric, signal),
		stats('day', subject, `${year}-01-01`, `${Number(year) + 1}-01-01`,
			metric, signal),
		outliers(subject, range, signal),
	]);
	const usual = usualOf(profile, before.filter((day) => day[metric])
		.map(({ start }) => start.slice(0, 10)), metric);

	return {
		today, range, rows, compared, other, usual, days, year, learnt,
		expected: rows.map(({ slot }) =>
			expected(usual, range.level, view.show, slot.text ?? '')),
		outliers: {
			marks: marksOf(found.items, metric, rows), more: found.more,
		},
	};
}

/* The dates of a row of the level, the last one included. */
export function datesOf(level, row, tz) {
	const { date } = wall(row.start, tz);

	return level === 'hour' ? [date, date] :
		[date, addDays(nextOf(level, date), -1)];
}
