// SPDX-License-Identifier: MIT
/*
 * explore: the page /explore: one camera or site, any range, at any level.
 * Read in this order: view.js (what is looked at), look.js (what is asked of
 * the API), usual.js (what is usual), timeline.js and heat.js (how it looks).
 */
import { alarm } from './alarm.js';
import { el, fill, setText } from './dom.js';
import { METRICS, count, coverage, isNumber, real } from './figures.js';
import { begin, byId } from './frame.js';
import { keepFresh, nextFrame } from './fresh.js';
import { showProfile, showYear } from './heat.js';
import { nameOf } from './lists.js';
import { USUAL_DAYS } from './load.js';
import { choices, datesOf, isSite, look, statsPath, subjectOf } from './look.js';
import { CLASSES, drawClasses, drawSeries } from './timeline.js';
import { pool } from './usual.js';
import { between, isDrawn, readView, shifted, viewHash, zoomed }
	from './view.js';
import { addDays, dateLabel, span } from './when.js';
import { t } from './words.js';

const REFRESH_MS = 30000;
const COLUMNS = [
	['new', 'New', count], ['mean', 'Mean', real], ['std', 'Std', real],
	['reference', 'Reference', real], ['min', 'Lowest', count],
	['max', 'Highest', count], ['n', 'Rows', count],
];

let view = readView(location.hash);
let shown = null; /* { subject, cameras, sites, … of look() } */
const charts = { series: null, classes: null };

const dates = ({ from, to }) => from === to ? dateLabel(from) :
	`${dateLabel(from)} – ${dateLabel(to)}`;
const withYear = (date, today) => date.slice(0, 4) === today.slice(0, 4) ?
	'' : ` ${date.slice(0, 4)}`;

function go(next) {
	location.hash = viewHash(next);
}

// ---- the choice

function option(value, text) {
	return el('option', { value }, text);
}

function group(label, options) {
	return options.length ? [el('optgroup', { label }, ...options)] : [];
}

function showChoice() {
	const { cameras, sites, subject, range } = shown;
	const names = cameras.map((camera) => [camera.camera,
		nameOf(camera) === camera.camera ? camera.camera :
			`${nameOf(camera)} (${camera.camera})`]);
	const used = sites.filter(({ cameras: n }) => n);

	fill(byId('of'), [names, used], () => [
		...group(t('Cameras'), names.map(([code, name]) =>
			option(`c:${code}`, name))),
		...group(t('Sites, all cameras together'), used.map(({ name }) =>
			option(`s:${name}`, name))),
	]);
	byId('of').value = isSite(subject) ?
		`s:${subject.site}` : `c:${subject.camera}`;
	fill(byId('vs'), [names, subject.camera], () => [
		option('', t('nothing')), option('before', t('the time before')),
		option('year', t('a year before')),
		...group(t('Another camera'), names.filter(([code]) =>
			code !== subject.camera).map(([code, name]) =>
			option(code, name))),
	]);
	byId('vs').value = view.vs;
	for (const name of ['metric', 'show'])
		for (const radio of document.getElementsByName(name))
			radio.checked = radio.value === view[name];
	for (const radio of document.getElementsByName('range'))
		radio.checked = radio.value === String(view.days);
	byId('from').value = range.from;
	byId('to').value = range.to;
	byId('level').value = view.level;
	for (const { value, ...entry } of byId('level').options)
		entry.disabled = Boolean(value) && !isDrawn(value, range.days);
}

// ---- the figures of the range

function tile(title, value, about, field, digits) {
	return el('li', {}, el('h3', {}, title),
		el('strong', { 'data-field': field, 'data-value': digits ?? '' },
			value), about ? el('p', { class: 'quiet' }, about) : null);
}

/* "+12 %" of one over another. */
function change(value, other) {
	if (!isNumber(value) || !isNumber(other) || other === 0)
		return null;
	const percent = Math.round(100 * (value - other) / other);

	return `${percent > 0 ? '+' : ''}${percent} %`;
}

function against(value, other, name) {
	const by = change(value, other);

	return by === null ? null : t('{by} against {what}', { by, what: name });
}

/* What is usual for as much of the range as has passed. */
function usualNew({ rows, expected }, level) {
	if (view.show !== 'new' || (level !== 'hour' && level !== 'day'))
		return null;
	const counted = rows.map((row, at) => [row, expected[at]]).filter(
		([row, usual]) => row.figure && usual && !row.running);

	return {
		usual: counted.reduce((sum, [, u]) => sum + u.middle, 0),
		found: counted.reduce((sum, [row]) => sum + (row.figure.new ?? 0), 0),
	};
}

function showSums() {
	const { rows, compared, range } = shown;
	const all = pool(rows.map(({ figure }) => figure));
	const other = compared && pool(compared.map(({ figure }) => figure));
	const watched = rows.filter(({ kind }) => kind !== 'ahead');
	const seconds = watched.reduce((sum, row) => sum + (row.watched ?? 0), 0);
	const length = watched.reduce((sum, row) => sum + row.length, 0);
	const pace = usualNew(shown, range.level);
	const name = versusName();
	const highest = rows.find(({ figure }) => figure && figure.max === all?.max);

	fill(byId('sums'), [all, other, seconds, length, pace, name], () => [
		tile(t('New'), count(all?.new), against(all?.new, other?.new, name) ??
			(pace && against(pace.found, pace.usual, t('the usual'))),
		'new', all?.new),
		tile(t('Present, mean'), real(all?.mean),
			against(all?.mean, other?.mean, name), 'mean', all?.mean),
		tile(t('Most at once'), count(all?.max), highest?.label, 'max',
			all?.max),
		tile(t('Watched'), length ? `${Math.min(100,
			Math.round(100 * seconds / length))} %` : '–',
		span(seconds), 'observed_s', seconds),
	]);
}

function versusName() {
	const { other } = shown;

	if (!other)
		return '';
	return other.range === shown.range ? nameOf(other.subject) :
		dates(other.range);
}

function showLegend() {
	const { compared, expected } = shown;
	const sign = (kind, text) => el('li', {}, el('span',
		{ class: `sign ${kind}`, 'aria-hidden': 'true' }), text);
	const entries = view.show === 'new' ? [['extent', t('new')]] :
		[['mean', t('mean present per interval')],
			['extent', t('lowest to highest')]];

	if (expected.some(Boolean))
		entries.push(['usual', t('usual at this weekday and hour')]);
	if (compared)
		entries.push(['compared', versusName()]);
	if (view.show === 'present')
		entries.push(['alert', t('outlier at alert level')]);
	fill(byId('legend'), entries, () => entries.map(([kind, text]) =>
		sign(kind, text)));
}

/* The chart in one sentence, for those who do not see it. */
function chartWords() {
	const { rows, outliers, subject, range } = shown;
	const measured = rows.filter(({ figure }) => figure);

	return t('{metric} at {name}, {dates}: {n} points with figures, at most ' +
		'{max} at once, {outliers} outliers. The table below has the ' +
		'figures.', {
		metric: t(METRICS[view.metric].title), name: nameOf(subject),
		dates: dates(range), n: measured.length,
		max: count(measured.length ? Math.max(...measured.map(({ figure }) =>
			figure.max)) : null), outliers: outliers.marks.length,
	});
}

function showSeries() {
	const { rows, compared, expected, outliers, subject, range } = shown;
	const any = rows.some(({ figure }) => figure) ||
		compared?.some(({ figure }) => figure);
	const canvas = byId('series');

	setText(byId('series-title'), t('{metric}, {name}, {dates}', {
		metric: t(METRICS[view.metric].title), name: nameOf(subject),
		dates: dates(range) + withYear(range.to, shown.today),
	}));
	setText(byId('zone'), t('Times are those of {zone}.',
		{ zone: subject.tz }));
	canvas.hidden = !any;
	byId('none').hidden = Boolean(any);
	setText(byId('none'), any ? '' : t('Nothing was measured in this range.'));
	byId('plot').classList.toggle('bare', !any);
	canvas.setAttribute('aria-label', chartWords());
	charts.series = drawSeries(canvas, charts.series, {
		rows, compared, usual: expected, versus: versusName(),
		outliers: outliers.marks, metric: view.metric, show: view.show,
	});
}

function cell(field, value, format) {
	return el('td', {
		class: 'number', 'data-field': field,
		'data-value': isNumber(value) ? String(value) : '',
	}, format(value));
}

function figureCells(row, at) {
	const { compared, expected } = shown;
	const cells = row.figure ? COLUMNS.map(([field, , format]) =>
		cell(field, row.figure[field], format)) :
		[el('td', { class: 'none', colspan: COLUMNS.length },
			t(row.kind === 'missing' ? 'no rows' : 'not measured'))];

	cells.push(cell('observed_s', row.watched, () =>
		row.watched === null ? '–' : coverage(row) === null ? '–' :
			`${span(row.watched)} (${coverage(row)} %)`));
	cells.push(cell('usual', expected[at]?.middle ?? null, real));
	if (compared) {
		const figure = compared[at]?.figure;
		const new_one = view.show === 'new';
		cells.push(cell('compared', (new_one ? figure?.new : figure?.mean) ??
			null, new_one ? count : real));
	}
	return cells;
}

function showTable() {
	const { rows, compared } = shown;
	const heads = ['Start', ...COLUMNS.map(([, title]) => title), 'Watched',
		'Usual'].map((head) => t(head));

	if (compared)
		heads.push(versusName());
	fill(byId('figures').tHead, heads, () => [el('tr', {},
		...heads.map((head, at) => el('th',
			{ scope: 'col', class: at ? 'number' : null }, head)))]);
	fill(byId('figures').tBodies[0], [view.show, rows, compared], () =>
		rows.map((row, at) => [row, at]).filter(([{ kind }]) =>
			kind !== 'ahead').reverse().map(([row, at]) =>
			el('tr', { 'data-start': row.key, 'data-kind': row.kind },
				el('th', { scope: 'row' }, row.label,
					row.running ? el('em', {}, ` ${t('running')}`) : null),
				...figureCells(row, at))));
}

function showClasses() {
	const rows = shown.rows.filter(({ kind }) => kind !== 'ahead');
	const any = rows.some(({ classes }) => classes);

	byId('classes-part').hidden = !any || view.metric !== 'vehicle';
	if (byId('classes-part').hidden)
		return;
	charts.classes = drawClasses(byId('classes'), charts.classes, rows);
	byId('classes').setAttribute('aria-label',
		t('Vehicles by class. The table below has the figures.'));
	fill(byId('classes-legend'), 'classes', () => CLASSES.map((name) =>
		el('li', {}, el('span', { class: `sign class-${name}`,
			'aria-hidden': 'true' }), t(name))));
	fill(byId('class-figures').tHead, 'heads', () => [el('tr', {},
		el('th', { scope: 'col' }, t('Start')), ...CLASSES.map((name) =>
			el('th', { scope: 'col', class: 'number' }, t(name))))]);
	fill(byId('class-figures').tBodies[0], rows, () => [...rows].reverse()
		.map((row) => el('tr', { 'data-start': row.key },
			el('th', { scope: 'row' }, row.label), ...CLASSES.map((name) =>
				cell(name, row.classes?.[name] ?? null, count)))));
}

// ---- the usual week and the year

function showWeek() {
	const { usual, learnt: [from, to] } = shown;

	setText(byId('profile-about'), t(view.show === 'new' ?
		'{metric} that came new in that hour of a day, {from} to {to}: the ' +
		'{weeks} weeks before the range above.' :
		'{metric} present on average, {from} to {to}: the {weeks} weeks ' +
		'before the range above.', {
		metric: t(METRICS[view.metric].title), weeks: USUAL_DAYS / 7,
		from: dateLabel(from), to: dateLabel(addDays(to, -1)),
	}));
	showProfile(byId('profile'), usual, view.show);
}

function showDays() {
	const { days, year } = shown;
	const found = {};

	for (const item of days) {
		const figure = item[view.metric];
		const value = view.show === 'new' ? figure?.new : figure?.mean;

		found[item.start.slice(0, 10)] = {
			value: value ?? null,
			text: !isNumber(value) ? t('not measured') :
				view.show === 'new' ? t('{n} new', { n: count(value) }) :
					t('{n} present on average', { n: real(value) }),
		};
	}
	setText(byId('year-title'), t('The days of {year}', { year }));
	setText(byId('year-about'), t(view.show === 'new' ?
		'{metric}, new in each day. A day without a colour has no rows.' :
		'{metric}, present on average. A day without a colour has no rows.',
	{ metric: t(METRICS[view.metric].title) }));
	showYear(byId('year'), year, found, (date) =>
		viewHash({ ...view, days: 0, from: date, to: date, level: '',
			year: Number(year) }));
}

function showLinks() {
	const { subject, range, year, learnt } = shown;
	const csv = { format: 'csv' };

	byId('series-csv').href = statsPath(range.level, subject, range.from,
		addDays(range.to, 1), csv);
	byId('profile-csv').href = statsPath('profile', subject, ...learnt, csv);
	byId('year-csv').href = statsPath('day', subject, `${year}-01-01`,
		`${Number(year) + 1}-01-01`, csv);
}

/* What is looked at first, and then the rest of it. */
function showFirst() {
	showChoice();
	showSums();
	showLegend();
	showSeries();
	showLinks();
}

function showRest() {
	showTable();
	showClasses();
	showWeek();
	showDays();
}

// ---- keeping it fresh

async function load(signal) {
	const { cameras, sites, now } = await choices(signal);
	const subject = subjectOf(view, cameras, sites);

	if (!subject)
		return { problem: view.camera || view.site ?
			t('There is no {name}.', { name: view.camera || view.site }) :
			t('No camera has sent counts yet.') };
	return {
		subject, cameras, sites, now,
		...await look(view, subject, cameras, now, signal),
	};
}

async function work(signal, mine) {
	byId('main').setAttribute('aria-busy', 'true');
	try {
		const loaded = await load(signal);

		if (!mine())
			return '';
		if (loaded.problem)
			return loaded.problem;
		shown = loaded;
		showFirst();
		await nextFrame();
		if (mine())
			showRest();
		return '';
	} finally {
		if (mine())
			byId('main').removeAttribute('aria-busy');
	}
}

// ---- what the reader does

function chosen() {
	const form = new FormData(byId('choice'));
	const [kind, name] = [form.get('of').slice(0, 1), form.get('of').slice(2)];

	return {
		...view, camera: kind === 'c' ? name : '',
		site: kind === 's' ? name : '', vs: form.get('vs'),
		metric: form.get('metric'), show: form.get('show'),
		level: form.get('level'),
	};
}

function choose({ target }) {
	const next = chosen();

	if (!shown)
		return;
	if (target.name === 'range')
		Object.assign(next, { days: Number(target.value), from: '', to: '',
			level: '', year: 0 });
	if (target.name === 'from' || target.name === 'to') {
		const from = byId('from').value;
		const to = byId('to').value;
		if (!from || !to)
			return;
		Object.assign(next, from <= to ? between(next, from, to) :
			target.name === 'from' ? between(next, from, from) :
				between(next, to, to), { year: 0 });
	}
	go(next);
}

/* Between two points of the chart, both included. */
function closeUp(first, last) {
	const { rows, range, subject } = shown;
	const [from] = datesOf(range.level, rows[first], subject.tz);
	const [, to] = datesOf(range.level, rows[last], subject.tz);

	if (from !== range.from || to !== range.to)
		go({ ...between(view, from, to), level: '', year: 0 });
}

function indexAt(x) {
	const scale = charts.series.scales.x;
	const at = Math.round(scale.getValueForPixel(x));

	return Math.min(shown.rows.length - 1, Math.max(0, at));
}

function watchDrag() {
	const plot = byId('plot');
	const mark = byId('drag');
	const xOf = (event) => event.clientX -
		byId('series').getBoundingClientRect().left;
	let start = null;

	plot.addEventListener('pointerdown', (event) => {
		if (event.button || event.pointerType === 'touch' || !shown ||
		    byId('series').hidden)
			return;
		start = xOf(event);
		plot.setPointerCapture(event.pointerId);
	});
	plot.addEventListener('pointermove', (event) => {
		if (start === null)
			return;
		const x = xOf(event);
		mark.hidden = Math.abs(x - start) < 6;
		mark.style.left = `${Math.min(x, start)}px`;
		mark.style.width = `${Math.abs(x - start)}px`;
	});
	plot.addEventListener('pointerup', (event) => {
		if (start === null)
			return;
		const ends = [indexAt(start), indexAt(xOf(event))];
		start = null;
		mark.hidden = true;
		closeUp(Math.min(...ends), Math.max(...ends));
	});
	plot.addEventListener('pointercancel', () => {
		start = null;
		mark.hidden = true;
	});
}

function listen() {
	byId('choice').addEventListener('change', choose);
	byId('choice').addEventListener('submit', (event) =>
		event.preventDefault());
	for (const [id, act] of Object.entries({
		back: () => shifted(view, shown.range, -1),
		ahead: () => shifted(view, shown.range, 1),
		closer: () => zoomed(view, shown.range, true),
		wider: () => zoomed(view, shown.range, false),
		'year-back': () => ({ ...view, year: Number(shown.year) - 1 }),
		'year-ahead': () => ({ ...view, year: Number(shown.year) + 1 }),
	}))
		byId(id).addEventListener('click', () => shown && go(act()));
	addEventListener('hashchange', () => {
		view = readView(location.hash);
		fresh.refresh();
	});
	byId('skip').addEventListener('click', (event) => {
		event.preventDefault();
		byId('series-title').focus();
	});
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change',
		() => {
			if (!shown)
				return;
			showFirst();
			showRest();
		});
	watchDrag();
}

begin();
const fresh = keepFresh(work, REFRESH_MS);
alarm((code) => shown?.cameras.find(({ camera }) => camera === code),
	fresh.refresh);
listen();
fresh.refresh();
