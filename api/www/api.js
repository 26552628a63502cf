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

/* The reply to a request of the session's; throws where it is none of the
 * expected statuses. */
async function ask(path, options, expected) {
	let reply;
	try {
		reply = await fetch(path, {
			credentials: 'same-origin', cache: 'no-store', ...options,
			headers: { Accept: 'application/json', ...options.headers },
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
	return reply;
}

async function bodyOf(reply) {
	try {
		return await reply.json();
	} catch (cause) {
		throw new Error(t('Tally answered with half a sentence.'),
			{ cause });
	}
}

/*
 * { body, at }: the parsed JSON and the server's clock (ms).  expected lists
 * the statuses that carry an answer.
 */
export async function get(path, signal, expected = [200]) {
	const reply = await ask(path, { signal }, expected);
	const at = Date.parse(reply.headers.get('Date') ?? '');

	return {
		body: await bodyOf(reply), at: Number.isNaN(at) ? Date.now() : at,
	};
}

let asked = null;

/* Who is logged in, asked once: { name, role, scopes, csrf, … }. */
export function me() {
	asked ??= get('/api/v1/session').then(({ body }) => body).catch((cause) => {
		asked = null;
		throw cause;
	});
	return asked;
}

/* A request that changes something; body null: none.  The same as get(), body
 * null where the answer has none. */
export async function change(method, path, body = null) {
	const { csrf } = await me();
	const reply = await ask(path, {
		method, body: body === null ? null : JSON.stringify(body),
		headers: {
			'X-CSRF-Token': csrf,
			...body === null ? {} : { 'Content-Type': 'application/json' },
		},
	}, [200, 201, 204]);

	return { body: reply.status === 204 ? null : await bodyOf(reply) };
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
