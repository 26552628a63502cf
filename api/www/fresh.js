// SPDX-License-Identifier: MIT
/*
 * fresh: keeps a page fresh: it is asked for anew while the tab is visible, and
 * later and later while Tally does not answer.
 */
import { LoggedOut } from './api.js';
import { byId, say } from './frame.js';
import { t } from './words.js';

const BACKOFF_MAX_MS = 120000;
const PATIENCE_MS = 30000;

/* After the next frame, so that what is there by now is seen. */
export const nextFrame = () => new Promise((done) =>
	requestAnimationFrame(() => setTimeout(done)));

const leave = () => location.replace('/?login=expired');

/*
 * work(signal, mine) asks and shows; it may return a sentence to be said as an
 * error.  Where a newer call has taken over, signal is aborted and mine() is
 * false.  left is called when the log-in is over.
 *
 * Returns { refresh(), pause(yes) }; the first refresh is the caller's.
 */
export function keepFresh(work, every_ms, left = leave) {
	let timer = null;
	let running = null;
	let failures = 0;
	let paused = false;
	let done_at = 0;
	let said = '';

	/* Takes back only what is of here: what the reader did has its own word. */
	const tell = (text, error) => {
		if (text || byId('status').textContent === said)
			say(text, error);
		said = text;
	};
	const plan = (after_ms) => {
		clearTimeout(timer);
		timer = paused || document.hidden ? null :
			setTimeout(refresh, after_ms);
	};
	const failed = (cause) => {
		const wait = Math.min(BACKOFF_MAX_MS, every_ms * 2 ** failures);

		failures++;
		tell([cause.message, t('Trying again in {n} s.', { n: wait / 1000 }),
			done_at ? t('The figures below are older.') : '',
		].join(' ').trim(), true);
		plan(wait);
	};
	const done = (problem) => {
		tell(problem || (failures ? t('Tally answers again.') : ''),
			Boolean(problem));
		failures = 0;
		done_at = Date.now();
		plan(every_ms);
	};

	async function refresh() {
		const patience = new AbortController();
		const deadline = setTimeout(() => patience.abort(), PATIENCE_MS);
		const mine = () => running === patience;

		clearTimeout(timer);
		running?.abort();
		running = patience;
		try {
			const problem = await work(patience.signal, mine);
			if (mine())
				done(problem);
		} catch (cause) {
			if (!mine())
				return;
			if (cause instanceof LoggedOut)
				left(done_at > 0);
			else
				failed(cause);
		} finally {
			clearTimeout(deadline);
			if (mine())
				running = null;
		}
	}

	document.addEventListener('visibilitychange', () =>
		plan(Math.max(0, every_ms - (Date.now() - done_at))));
	return {
		refresh,
		pause(yes) {
			paused = yes;
			if (paused)
				clearTimeout(timer);
			else
				refresh();
		},
	};
}
