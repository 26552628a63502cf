// SPDX-License-Identifier: MIT
/*
 * plot: one chart of one metric.  Bars reach from the lowest to the highest
 * interval of a bucket, the line is its mean, triangles are outliers.  A
 * bucket without figures breaks the line.  Chart.js is the global Chart.
 */
import { METRICS, count, coverage, real } from './figures.js';
import { span } from './when.js';
import { locale, t } from './words.js';

export function colours() {
	const style = getComputedStyle(document.documentElement);
	const of = (name) => style.getPropertyValue(`--${name}`).trim();

	return {
		metric: (name) => of(`metric-${name}`),
		extent: (name) => of(`extent-${name}`),
		of, band: of('band'), ground: of('card'), text: of('quiet'),
		grid: of('grid'), alert: of('alert'), family: of('font'),
	};
}

/* What the little box beside the pointer says about a bucket. */
function words(row) {
	const { figure } = row;
	const share = coverage(row);
	const lines = [
		t('mean {mean}, {min} to {max} in {n} rows', {
			mean: real(figure.mean), min: count(figure.min),
			max: count(figure.max), n: count(figure.n),
		}), t('new {n}', { n: count(figure.new) }),
	];

	if (share !== null)
		lines.push(t('watched {span} ({share} %)',
			{ span: span(row.watched), share }));
	if (row.running)
		lines.push(t('still running'));
	return lines;
}

export function outlierWords({ value, reference, z }) {
	return t('outlier: {value}, reference {reference}, z {z}', {
		value: count(value), reference: real(reference), z: real(z),
	});
}

function datasets({ rows, outliers, metric }, colour) {
	const mean = colour.metric(metric);
	const hollow = rows.map((row) => row.running ? colour.ground : mean);

	return [{
		type: 'line', label: 'mean', order: 1,
		data: rows.map((row) => row.figure?.mean ?? null),
		spanGaps: false, borderColor: mean, borderWidth: 2, tension: 0,
		pointRadius: 3, pointHoverRadius: 5, pointBackgroundColor: hollow,
		pointBorderColor: mean, pointBorderWidth: 2,
		segment: {
			borderDash: (at) => rows[at.p1DataIndex]?.running ?
				[4, 4] : undefined,
		},
	}, {
		type: 'bar', label: 'lowest to highest', order: 2,
		data: rows.map((row) => row.figure ?
			[row.figure.min, row.figure.max] : null),
		backgroundColor: colour.extent(metric), borderRadius: 4,
		borderSkipped: false, barPercentage: 0.6, categoryPercentage: 0.9,
		maxBarThickness: 26, minBarLength: 3,
	}, {
		type: 'line', label: 'outliers', order: 0, showLine: false,
		data: outliers.map(({ row, value }) => ({ x: row.key, y: value })),
		pointRotation: outliers.map(({ z }) => z < 0 ? 180 : 0),
		pointStyle: 'triangle', pointRadius: 7, pointHoverRadius: 9,
		pointBackgroundColor: colour.alert,
		pointBorderColor: colour.ground, pointBorderWidth: 1.5,
	}];
}

function scales({ rows, metric }, colour) {
	const ticks = { color: colour.text, font: { family: colour.family } };

	return {
		x: {
			type: 'category', grid: { display: false, drawBorder: false },
			ticks: {
				...ticks, maxRotation: 0, autoSkipPadding: 14,
				callback: (index) => rows[index]?.slot.short ?? '',
			},
		},
		y: {
			beginAtZero: true, suggestedMax: 1,
			grid: { color: colour.grid, drawBorder: false },
			ticks: { ...ticks, precision: 0, maxTicksLimit: 6 },
			title: {
				...ticks, display: true,
				text: t(`${METRICS[metric].unit} present`),
			},
		},
	};
}

function tooltip({ rows, outliers }) {
	return {
		displayColors: false, padding: 10,
		filter: (item) => item.datasetIndex !== 1,
		callbacks: {
			title: ([item]) => {
				if (!item)
					return '';
				const row = item.datasetIndex === 2 ?
					outliers[item.dataIndex].row : rows[item.dataIndex];
				return row.label;
			},
			label: (item) => item.datasetIndex === 2 ?
				outlierWords(outliers[item.dataIndex]) :
				words(rows[item.dataIndex]),
		},
	};
}

function config(shown) {
	const colour = colours();

	return {
		data: {
			labels: shown.rows.map((row) => row.key),
			datasets: datasets(shown, colour),
		},
		options: {
			locale, animation: false, responsive: true,
			maintainAspectRatio: false,
			interaction: { mode: 'nearest', axis: 'x', intersect: false },
			layout: { padding: { top: 8 } },
			scales: scales(shown, colour),
			plugins: { legend: { display: false }, tooltip: tooltip(shown) },
		},
	};
}

/*
 * Draws { rows, outliers, metric } on a canvas; chart is what the last call
 * returned, or null.  Each outlier has the row that holds its start.
 */
export function draw(canvas, chart, shown) {
	const { data, options } = config(shown);

	if (!chart)
		return new Chart(canvas, { type: 'bar', data, options });
	chart.data = data;
	chart.options = options;
	chart.update('none');
	return chart;
}
