// SPDX-License-Identifier: MIT
/*
 * timeline: the charts.  Present: bars from the lowest to the
 * highest interval, the mean as a line; new: bars.  What is usual is a band,
 * what it is compared with a dashed line.  A bucket without figures breaks the
 * lines.  Chart.js is the global Chart.
 */
import { METRICS, count, coverage, real } from './figures.js';
import { span } from './when.js';
import { locale, t } from './words.js';

export const CLASSES = ['car', 'bus', 'truck', 'motorcycle', 'bicycle',
	'scooter'];

function colours() {
	const style = getComputedStyle(document.documentElement);
	const of = (name) => style.getPropertyValue(`--${name}`).trim();

	return {
		metric: (name) => of(`metric-${name}`),
		extent: (name) => of(`extent-${name}`),
		of, band: of('band'), ground: of('card'), text: of('quiet'),
		grid: of('grid'), alert: of('alert'), family: of('font'),
	};
}

const valueOf = (row, show) => show === 'new' ? row?.figure?.new ?? null :
	row?.figure?.mean ?? null;

function words(row, shown, at) {
	const { figure } = row;
	const lines = [];

	if (!figure)
		return [t(row.kind === 'unmeasured' ? 'not measured' : 'no rows')];
	lines.push(t('mean {mean}, {min} to {max} in {n} rows', {
		mean: real(figure.mean), min: count(figure.min),
		max: count(figure.max), n: count(figure.n),
	}), t('new {n}', { n: count(figure.new) }));
	const usual = shown.usual[at];
	if (usual)
		lines.push(t(usual.high === null ? 'usual {middle}' :
			'usual {middle}, up to {high}',
		{ middle: real(usual.middle), high: real(usual.high) }));
	const other = valueOf(shown.compared?.[at], shown.show);
	if (other !== null)
		lines.push(`${shown.versus}: ${real(other)}`);
	if (coverage(row) !== null)
		lines.push(t('watched {span} ({share} %)',
			{ span: span(row.watched), share: coverage(row) }));
	if (row.running)
		lines.push(t('still running'));
	return lines;
}

function outlierWords({ value, reference, z }) {
	return t('outlier: {value}, reference {reference}, z {z}', {
		value: count(value), reference: real(reference), z: real(z),
	});
}

const dashes = (rows) => ({
	borderDash: (at) => rows[at.p1DataIndex]?.running ? [4, 4] : undefined,
});

function line(data, colour, more) {
	return {
		type: 'line', data, spanGaps: false, tension: 0, borderWidth: 2,
		borderColor: colour, pointRadius: 0, pointHoverRadius: 0,
		backgroundColor: colour, ...more,
	};
}

function usualSets({ usual }, colour) {
	const edge = { borderWidth: 0, order: 5, pointHitRadius: 0 };
	const soft = colour.band;

	if (!usual.some(Boolean))
		return [];
	return [
		line(usual.map((u) => u?.high ?? null), soft,
			{ ...edge, fill: '+1', label: 'high' }),
		line(usual.map((u) => u?.low ?? null), soft,
			{ ...edge, label: 'low' }),
		line(usual.map((u) => u?.middle ?? null), colour.text,
			{ order: 4, borderWidth: 1, label: 'usual' }),
	];
}

function ownSets({ rows, metric, show }, colour) {
	const own = colour.metric(metric);
	const extent = colour.extent(metric);
	const bar = {
		type: 'bar', order: 3, borderRadius: 3, borderSkipped: false,
		barPercentage: 0.7, categoryPercentage: 0.95, maxBarThickness: 30,
	};

	if (show === 'new')
		return [{
			...bar, label: 'new', data: rows.map((row) => valueOf(row, show)),
			backgroundColor: rows.map((row) => row.running ? extent : own),
			borderColor: own, borderWidth: 1,
		}];
	return [line(rows.map((row) => valueOf(row, show)), own, {
		label: 'mean', order: 1, segment: dashes(rows), pointHoverRadius: 5,
		pointRadius: rows.length > 130 ? 0 : 2.5, pointBorderWidth: 2,
		pointBackgroundColor: rows.map((row) =>
			row.running ? colour.ground : own), pointBorderColor: own,
	}), {
		...bar, label: 'lowest to highest', minBarLength: 2,
		backgroundColor: extent,
		data: rows.map((row) => row.figure ?
			[row.figure.min, row.figure.max] : null),
	}];
}

function datasets(shown, colour) {
	const { rows, compared, show, outliers } = shown;
	const sets = ownSets(shown, colour);

	if (compared)
		sets.push(line(rows.map((_, at) => valueOf(compared[at], show)),
			colour.text, { order: 2, borderDash: [6, 4], label: 'compared' }));
	sets.push(...usualSets(shown, colour));
	if (show === 'present')
		sets.push({
			type: 'line', label: 'outliers', order: 0, showLine: false,
			data: outliers.map(({ row, value }) => ({ x: row.key, y: value })),
			pointRotation: outliers.map(({ z }) => z < 0 ? 180 : 0),
			pointStyle: 'triangle', pointRadius: 7, pointHoverRadius: 9,
			pointBackgroundColor: colour.alert,
			pointBorderColor: colour.ground, pointBorderWidth: 1.5,
		});
	return sets;
}

function scales({ rows }, colour, title, stacked) {
	const ticks = { color: colour.text, font: { family: colour.family } };

	return {
		x: {
			type: 'category', grid: { display: false, drawBorder: false },
			stacked,
			ticks: {
				...ticks, maxRotation: 0, autoSkipPadding: 18,
				callback: (index) => rows[index]?.slot.short ?? '',
			},
		},
		y: {
			beginAtZero: true, suggestedMax: 1, stacked,
			grid: { color: colour.grid, drawBorder: false },
			ticks: { ...ticks, precision: 0, maxTicksLimit: 7 },
			title: { ...ticks, display: true, text: title },
		},
	};
}

const OPTIONS = {
	locale, animation: false, responsive: true, maintainAspectRatio: false,
	interaction: { mode: 'index', intersect: false },
	layout: { padding: { top: 8 } },
};

function tooltip(shown) {
	const is = (item, label) => item.dataset.label === label;
	const own = shown.show === 'new' ? 'new' : 'mean';

	return {
		displayColors: false, padding: 10,
		filter: (item) => is(item, own) || is(item, 'outliers'),
		callbacks: {
			title: ([item]) => item ?
				shown.rows[item.parsed.x]?.label ?? '' : '',
			label: (item) => is(item, 'outliers') ?
				outlierWords(shown.outliers[item.dataIndex]) :
				words(shown.rows[item.dataIndex], shown, item.dataIndex),
		},
	};
}

function keep(canvas, chart, data, options) {
	if (!chart)
		return new Chart(canvas, { type: 'bar', data, options });
	chart.data = data;
	chart.options = options;
	chart.update('none');
	return chart;
}

/*
 * Draws { rows, usual, compared or null, versus, outliers, metric, show }.
 * usual and compared have an entry for each row; chart is what the last call
 * returned, or null.
 */
export function drawSeries(canvas, chart, shown) {
	const colour = colours();
	const title = t(shown.show === 'new' ? `new ${METRICS[shown.metric].unit}` :
		`${METRICS[shown.metric].unit} present`);

	return keep(canvas, chart, {
		labels: shown.rows.map((row) => row.key),
		datasets: datasets(shown, colour),
	}, {
		...OPTIONS, scales: scales(shown, colour, title, false),
		plugins: { legend: { display: false }, tooltip: tooltip(shown) },
	});
}

/* The classes of vehicles, stacked. */
export function drawClasses(canvas, chart, rows) {
	const colour = colours();

	return keep(canvas, chart, {
		labels: rows.map((row) => row.key),
		datasets: CLASSES.map((name) => ({
			label: t(name), data: rows.map((row) =>
				row.classes?.[name] ?? null),
			backgroundColor: colour.of(`class-${name}`),
			maxBarThickness: 30, barPercentage: 0.8,
		})),
	}, {
		...OPTIONS, scales: scales({ rows }, colour, t('vehicles present'),
			true),
		plugins: {
			legend: { display: false },
			tooltip: {
				padding: 10,
				callbacks: { title: ([item]) => item ?
					rows[item.dataIndex].label : '' },
			},
		},
	});
}
