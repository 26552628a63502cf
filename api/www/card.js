// SPDX-License-Identifier: MIT
/*
 * card: one camera on the page: today's figures, the chart, and the chart's
 * figures as a table.  A card is made once and then only told what changed.
 */
import { el, fill, setText } from './dom.js';
import { METRICS, count, coverage, isNumber, real } from './figures.js';
import { drawSeries } from './timeline.js';
import { span } from './when.js';
import { t } from './words.js';

/* The fields of a figure in the order of the table's columns. */
const COLUMNS = [
	['new', 'New', count], ['mean', 'Mean', real], ['std', 'Std', real],
	['reference', 'Reference', real], ['min', 'Lowest', count],
	['max', 'Highest', count], ['n', 'Rows', count],
];

/* A figure with the API's own digits beside the rounded ones. */
function figure(tag, field, value, format, attributes = {}) {
	return el(tag, {
		...attributes, 'data-field': field,
		'data-value': isNumber(value) ? String(value) : '',
	}, format(value));
}

function tileWords(metric, day, found) {
	if (!day)
		return [el('p', { class: 'none' }, t('no rows yet today'))];
	if (!found)
		return [el('p', { class: 'none' }, t('not measured'))];
	return [
		isNumber(found.new) ?
			el('p', { class: 'new' },
				figure('strong', 'new', found.new, count), ` ${
					t('new today')}`) :
			figure('p', 'new', null, () => t('new: not measured'),
				{ class: 'none' }),
		el('p', { class: 'quiet' }, `${t('present: mean')} `,
			figure('b', 'mean', found.mean, real), `, ${t('most')} `,
			figure('b', 'max', found.max, count)),
	];
}

function tiles(day) {
	return Object.entries(METRICS).map(([metric, { title }]) => {
		const found = day?.[metric] ?? null;
		const state = found ? 'measured' : day ? 'unmeasured' : 'missing';

		return el('li', { 'data-metric': metric, 'data-state': state },
			el('h4', {}, t(title)), ...tileWords(metric, day, found));
	});
}

function watchedText(row) {
	const share = coverage(row);

	if (share === null)
		return '–';
	return `${span(row.watched)} (${share} %)`;
}

function cells(row) {
	if (row.kind === 'missing')
		return [el('td', { colspan: COLUMNS.length + 1, class: 'none' },
			t('no rows'))];

	const watched = el('td', {
		class: 'number', 'data-field': 'observed_s',
		'data-value': row.watched,
	}, watchedText(row));
	if (row.kind === 'unmeasured')
		return [el('td', { colspan: COLUMNS.length, class: 'none' },
			t('not measured')), watched];
	return [...COLUMNS.map(([field, , format]) =>
		figure('td', field, row.figure[field], format,
			{ class: 'number' })), watched];
}

/* Newest first; what is still to come has no row. */
function tableRows(rows) {
	return rows.filter((row) => row.kind !== 'ahead').reverse().map((row) =>
		el('tr', { 'data-start': row.key, 'data-kind': row.kind },
			el('th', { scope: 'row' }, row.label,
				row.running ? el('em', {}, ` ${t('running')}`) : null),
			...cells(row)));
}

/* The chart in one sentence, for those who do not see it. */
function chartWords({ rows, outliers, metric, range }) {
	const measured = rows.filter((row) => row.figure);
	const { title } = METRICS[metric];

	if (!measured.length)
		return t('{metric}, {range}: no figures.',
			{ metric: t(title), range });
	const highest = Math.max(...measured.map((row) => row.figure.max));
	return t('{metric}, {range}: {n} points with figures, at most {max} at ' +
		'once, {outliers} outliers. The table below has the figures.', {
		metric: t(title), range, n: measured.length, max: count(highest),
		outliers: outliers.length,
	});
}

export class Card {
	constructor(code, id) {
		this.code = code;
		this.chart = null;
		this.title = el('a', {
			href: `/explore#${new URLSearchParams({ camera: code })}`,
		});
		this.state = el('p', { class: 'badge' });
		this.seen = el('p', { class: 'quiet seen' });
		this.tiles = el('ul', { class: 'tiles', 'data-part': 'tiles' });
		this.canvas = el('canvas', { role: 'img', hidden: true });
		this.empty = el('p', { class: 'none', hidden: true });
		this.plot = el('div', { class: 'plot' }, this.canvas, this.empty);
		this.caption = el('caption', { class: 'hidden' });
		this.body = el('tbody');
		this.root = el('article', {
			class: 'card camera', 'data-camera': code,
			'aria-labelledby': `${id}-title`,
		},
		el('div', { class: 'titled' },
			el('h3', { id: `${id}-title` }, this.title), this.state),
		this.seen, this.tiles,
		this.plot, this.tableParts(id));
	}

	tableParts(id) {
		const heads = ['Start', ...COLUMNS.map(([, title]) => title),
			'Watched'].map((head) => t(head));

		return el('details', {},
			el('summary', { id: `${id}-table` }, t('Figures as a table')),
			el('div', {
				class: 'scroll', role: 'region', tabindex: 0,
				'aria-labelledby': `${id}-title ${id}-table`,
			}, el('table', {}, this.caption,
				el('thead', {}, el('tr', {}, ...heads.map((head, at) =>
					el('th', { scope: 'col', class: at ? 'number' : null },
						head)))),
				this.body)));
	}

	/* camera: { name, state, stateWord, about }; day: today's bucket. */
	head(camera, day) {
		setText(this.title, camera.name);
		setText(this.state, camera.stateWord);
		this.state.dataset.state = camera.state;
		setText(this.seen, camera.about);
		fill(this.tiles, day ?? null, () => tiles(day));
	}

	/* shown: { rows, usual, outliers, metric, range }, see timeline.js. */
	figures(shown) {
		const any = shown.rows.some((row) => row.figure);

		/* The length of a running bucket grows; the chart need not. */
		const drawn = [shown.metric, shown.range, shown.rows.map((row) =>
			[row.key, row.running, row.figure, row.watched]),
		shown.outliers, shown.usual];
		setText(this.empty, any ? '' : t('{metric}: not measured {range}.',
			{ metric: t(METRICS[shown.metric].title), range: shown.range }));
		this.empty.hidden = any;
		this.plot.classList.toggle('bare', !any);
		this.canvas.hidden = !any;
		this.draw(drawn, shown);
		setText(this.caption, `${this.title.textContent}: ${
			t(METRICS[shown.metric].title)}, ${shown.range}`);
		fill(this.body, [shown.metric, shown.rows.map((row) =>
			[row.key, row.kind, row.running, row.figure,
				watchedText(row)])], () => tableRows(shown.rows));
	}

	draw(drawn, shown) {
		const signature = JSON.stringify(drawn);

		this.shown = { ...shown, compared: null, show: 'present' };
		if (this.signature === signature)
			return;
		this.signature = signature;
		this.canvas.setAttribute('aria-label', chartWords(shown));
		this.chart = drawSeries(this.canvas, this.chart, this.shown);
	}

	/* After the colours have changed. */
	redraw() {
		if (this.chart)
			this.chart = drawSeries(this.canvas, this.chart, this.shown);
	}

	remove() {
		this.chart?.destroy();
		this.root.remove();
	}
}
