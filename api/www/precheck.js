// SPDX-License-Identifier: MIT
/*
 * precheck: reads a file before it is sent, as it is chosen, and tells what
 * the server would refuse at first sight: lines with another number of cells,
 * counts that are no whole numbers, times that are none, JSON that is none.
 * The server judges alone; this only saves a journey.
 */
const METRICS = ['people', 'vehicle', 'face', 'people_new', 'vehicle_new',
	'face_new', 'car', 'bus', 'truck', 'motorcycle', 'bicycle', 'scooter',
	'observed_s'];
const TIMES = ['start_at', 'end_at', 'start_date', 'end_date'];
const COLUMNS = new Set([...METRICS, ...TIMES, 'camera']);
const FAULTS_MAX = 20;
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/i;

/* Cells of CSV (RFC 4180), however the text is cut; line is where a record
 * begins. */
class Cells {
	constructor(take) {
		this.take = take;
		this.cell = '';
		this.record = [];
		this.line = 1;
		this.begun = 1;
		this.quoted = false;
		this.was_quote = false;
	}

	end() {
		this.record.push(this.cell);
		this.cell = '';
	}

	close() {
		this.end();
		if (this.record.length > 1 || this.record[0].trim())
			this.take(this.record, this.begun);
		this.record = [];
		this.begun = this.line;
	}

	feed(text) {
		for (const sign of text) {
			if (sign === '\n')
				this.line++;
			if (this.quoted && sign !== '"') {
				this.cell += sign;
			} else if (sign === '"') {
				/* A quote in quotes is written twice. */
				if (!this.quoted && this.was_quote)
					this.cell += '"';
				this.quoted = !this.quoted;
				this.was_quote = !this.quoted;
				continue;
			} else if (sign === ',') {
				this.end();
			} else if (sign === '\n') {
				this.close();
			} else if (sign !== '\r') {
				this.cell += sign;
			}
			this.was_quote = false;
		}
	}
}

function csvJudge(found) {
	let names = null;

	const heads = (record, line) => {
		names = record.map((name) => name.trim().toLowerCase());
		names.filter((name) => !COLUMNS.has(name)).forEach((name) =>
			found.fault(line, 'unknown column {what}', name));
	};
	const cells = new Cells((record, line) => {
		if (!names) {
			heads(record, line);
			return;
		}
		found.rows++;
		if (record.length !== names.length) {
			found.fault(line, '{what} cells, other than the header',
				record.length);
			return;
		}
		record.forEach((cell, at) => {
			const text = cell.trim();
			if (METRICS.includes(names[at]) && text && !/^\d+$/.test(text))
				found.fault(line, '{what} is no whole number',
					`${names[at]} ${text}`);
			if (TIMES.includes(names[at]) && !TIME.test(text))
				found.fault(line, '{what} is no time',
					`${names[at]} ${text}`);
		});
	});
	return { feed: (text) => cells.feed(text), end: () => cells.close() };
}

function ndjsonJudge(found) {
	let rest = '';
	let line = 0;
	const take = (text) => {
		line++;
		if (!text.trim())
			return;
		found.rows++;
		try {
			const row = JSON.parse(text);
			if (typeof row !== 'object' || !row || Array.isArray(row))
				found.fault(line, 'not a JSON object', '');
		} catch {
			found.fault(line, 'not JSON', '');
		}
	};

	return {
		feed: (text) => {
			const lines = (rest + text).split('\n');
			rest = lines.pop();
			lines.forEach(take);
		},
		end: () => take(rest),
	};
}

async function isGzip(file) {
	const [first, second] = new Uint8Array(
		await file.slice(0, 2).arrayBuffer());

	return first === 0x1f && second === 0x8b;
}

/*
 * { rows, faults: [{ line, text, what }], more, done }; told is called with it
 * now and then.  charset as the form has it; signal ends it.
 */
export async function precheck(file, charset, told, signal) {
	const found = {
		rows: 0, faults: [], more: 0, done: false,
		fault(line, text, what) {
			if (this.faults.length < FAULTS_MAX)
				this.faults.push({ line, text, what });
			else
				this.more++;
		},
	};
	const decoder = new TextDecoder(charset === 'CP949' ? 'euc-kr' : 'utf-8');
	const bytes = await isGzip(file) ? file.stream().pipeThrough(
		new DecompressionStream('gzip')) : file.stream();
	const reader = bytes.getReader();
	let judge = null;
	let last = 0;

	for (;;) {
		const { done, value } = await reader.read();
		if (signal.aborted) {
			reader.cancel();
			return found;
		}
		const text = decoder.decode(value, { stream: !done });
		judge ??= text.trimStart().startsWith('{') ? ndjsonJudge(found) :
			csvJudge(found);
		judge.feed(text);
		if (done)
			break;
		if (Date.now() - last > 200) {
			last = Date.now();
			told(found);
			await new Promise((go) => setTimeout(go));
		}
	}
	judge.end();
	found.done = true;
	told(found);
	return found;
}
