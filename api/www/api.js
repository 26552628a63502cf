// SPDX-License-Identifier: MIT
/*
 * api: what the page asks of the API.  The session's cookie is the log-in; a
 * 401 becomes LoggedOut, everything else that is no answer becomes an Error
 * with a sentence for the status line.
 */
import { t } from './words.js';

const PAGES_MAX = 20;

export class LoggedOut extends Error {}

async function problemOf(reply) {
	try {
		const { title, detail } = await reply.json();
		return detail || title || `status ${reply.status}`;
	} catch {
		return `status ${reply.status}`;
	}
}

/*
 * { body, at }: the parsed JSON and the server's clock (ms).  expected lists
 * the statuses that carry an answer.
 */
export async function get(path, signal, expected = [200]) {
	let reply;
	try {
		reply = await fetch(path, {
			headers: { Accept: 'application/json' },
			credentials: 'same-origin', cache: 'no-store', signal,
		});
	} catch (cause) {
		throw new Error(t('Tally does not answer.'), { cause });
	}
	if (reply.status === 401)
		throw new LoggedOut(t('The log-in has ended.'));
	if (!expected.includes(reply.status)) {
		const path_only = path.split('?')[0];
		throw new Error(`${path_only}: ${await problemOf(reply)}.`);
	}

	const at = Date.parse(reply.headers.get('Date') ?? '');
	let body;
	try {
		body = await reply.json();
	} catch (cause) {
		throw new Error(t('Tally answered with half a sentence.'),
			{ cause });
	}
	return { body, at: Number.isNaN(at) ? Date.now() : at };
}

/*
 * The items of a list and of the pages that follow it, at most PAGES_MAX of
 * them; more says whether any were left.
 */
export async function list(path, signal, pages = PAGES_MAX) {
	const items = [];
	let next = path;

	while (pages-- > 0 && next) {
		const { body } = await get(next, signal);
		items.push(...body.items);
		next = body.next?.startsWith('/api/v1/') ? body.next : null;
	}
	return { items, more: next !== null };
}

/* A query string from pairs; a value may be a list. */
export function query(pairs) {
	const words = new URLSearchParams();

	for (const [name, value] of Object.entries(pairs))
		for (const one of [value].flat())
			words.append(name, one);
	return words.toString();
}
