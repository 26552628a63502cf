// SPDX-License-Identifier: MIT
/*
 * load: everything that one refresh of the page needs, for one selection.
 */
import { get, list, query } from './api.js';
import { join, outliersOf } from './figures.js';
import { RANGES } from './selection.js';
import { daySlots, hourSlots } from './slots.js';
import { expected, usualOf } from './usual.js';
import { addDays, dayStart, wall } from './when.js';

/* Cards on one page; the rest is behind the links below them. */
const CARDS_MAX = 12;
const OUTLIERS_MAX = 200;
/* What is usual is learnt from so many days before today. */
export const USUAL_DAYS = 84;

/* The cameras whose cards are shown, and the number of such pages. */
function choose(cameras, selection) {
	if (selection.camera) {
		const one = cameras.filter((camera) =>
			camera.camera === selection.camera);
		return { chosen: one, pages: 1, page: 1 };
	}
	const used = cameras.filter((camera) => camera.state !== 'retired');
	const pages = Math.max(1, Math.ceil(used.length / CARDS_MAX));
	const page = Math.min(selection.page, pages);

	return {
		chosen: used.slice((page - 1) * CARDS_MAX, page * CARDS_MAX),
		pages, page,
	};
}

/* The first and last local date that is shown of any of the cameras. */
function dates(cameras, now, days) {
	const todays = cameras.map(({ tz }) => wall(now, tz).date).sort();

	return {
		first: addDays(todays[0], 1 - days),
		today: todays[0], last: todays.at(-1),
	};
}

async function stats(period, cameras, from, last, more, signal) {
	const words = query({
		camera: cameras.map(({ camera }) => camera), from,
		to: addDays(last, 1), ...more,
	});

	return (await list(`/api/v1/stats/${period}?${words}`, signal)).items;
}

function outliers(cameras, selection, { first, last }, signal) {
	const starts = cameras.map(({ tz }) => dayStart(first, tz));
	const ends = cameras.map(({ tz }) => dayStart(addDays(last, 1), tz));
	const words = query({
		level: 'alert', limit: OUTLIERS_MAX,
		from: new Date(Math.min(...starts)).toISOString(),
		to: new Date(Math.max(...ends)).toISOString(),
		...selection.camera ? { camera: selection.camera } : {},
	});

	return list(`/api/v1/outliers?${words}`, signal, 1);
}

/* Profiles by camera, date and metric; a day's do not change. */
const profiles = new Map();
const profileKey = ({ camera }, today, { metric }) =>
	`${today} ${metric} ${camera}`;

/* What is usual for each row of a card, as far as it is known yet. */
function usualRows(camera, selection, rows, today) {
	const items = profiles.get(profileKey(camera, today, selection));
	const usual = items && usualOf(items, [], selection.metric);
	const level = selection.range === 'today' ? 'hour' : 'day';

	return rows.map(({ slot }) => usual ?
		expected(usual, level, 'present', slot.text ?? '') : null);
}

/*
 * Asks for what is usual at the cards' cameras, where it is not known yet, and
 * lays it beside their rows; whether anything was learnt.
 */
export async function learn(loaded, selection, signal) {
	const unknown = loaded.cards.filter(({ camera, today }) =>
		!profiles.has(profileKey(camera, today, selection)));

	if (!unknown.length)
		return false;
	const todays = [...new Set(unknown.map(({ today }) => today))];
	for (const today of todays) {
		const mine = unknown.filter((card) => card.today === today);
		const items = await stats('profile', mine.map(({ camera }) => camera),
			addDays(today, -USUAL_DAYS), addDays(today, -1),
			{ metric: selection.metric }, signal);

		for (const { camera } of mine)
			profiles.set(profileKey(camera, today, selection), items.filter((item) =>
				item.camera === camera.camera));
	}
	for (const key of profiles.keys())
		if (!todays.some((today) => key.startsWith(today)) &&
		    profiles.size > 500)
			profiles.delete(key);
	for (const card of loaded.cards)
		card.usual = usualRows(card.camera, selection, card.rows, card.today);
	return true;
}

/* One camera's card: today's bucket, the rows of the chart, its outliers. */
function cardOf(camera, selection, { now, todays, buckets, found }) {
	const { tz } = camera;
	const mine = (item) => item.camera === camera.camera;
	const today = wall(now, tz).date;
	const [todaySlot] = daySlots(today, 1, tz);
	const by_hour = selection.range === 'today';
	const slots = by_hour ? hourSlots(today, tz) :
		daySlots(today, RANGES[selection.range].days, tz);
	const my_days = todays.filter(mine);
	const rows = join(slots, buckets.filter(mine), selection.metric, now);
	const marks = outliersOf(found.items.filter(mine), selection.metric)
		.map(({ item, value, reference, z }) => {
			const at = Date.parse(item.start_at);
			const row = rows.find(({ start, end }) =>
				start <= at && at < end);
			return { row, value, reference, z };
		}).filter(({ row }) => row);
	const inToday = (item) => item.start.startsWith(today);

	return {
		camera, rows, outliers: marks, today,
		usual: usualRows(camera, selection, rows, today),
		day: my_days.find(inToday),
		dayRow: join([todaySlot], my_days.filter(inToday), 'people', now)[0],
	};
}

/*
 * { now, health, cameras, cards, pages, page, found }: the server's clock and
 * state, every camera, a card for each chosen one, and the outliers in range
 * ({ items, more }).
 */
export async function load(selection, signal) {
	const [{ body: health, at: now }, { items: cameras }] =
		await Promise.all([get('/healthz', signal, [200, 503]),
			list('/api/v1/cameras', signal)]);
	const { chosen, pages, page } = choose(cameras, selection);
	const none = { items: [], more: false };

	if (!chosen.length)
		return { now, health, cameras, cards: [], pages, page, found: none };

	const when = dates(chosen, now, RANGES[selection.range].days);
	const [todays, buckets, found] = await Promise.all([
		stats('day', chosen, when.today, when.last, {}, signal),
		stats(selection.range === 'today' ? 'hour' : 'day', chosen,
			when.first, when.last, { metric: selection.metric }, signal),
		outliers(chosen, selection, when, signal),
	]);
	return {
		now, health, cameras, pages, page, found,
		cards: chosen.map((camera) =>
			cardOf(camera, selection, { now, todays, buckets, found })),
	};
}
