// SPDX-License-Identifier: MIT
/*
 * call: a request as the document describes it, and its answer as text.  The
 * token goes into the header Authorization and nowhere else.
 */
const SHOWN_MAX = 200000; /* characters of an answer */

/* The path and query: values is {path: {…}, query: {…}, header: {…}}, a list
 * for what may be repeated. */
export function address(path, values) {
	const filled = path.replaceAll(/\{(\w+)\}/g,
		(_, name) => encodeURIComponent(values.path[name] ?? ''));
	const words = new URLSearchParams();

	for (const [name, value] of Object.entries(values.query))
		for (const one of [value].flat())
			words.append(name, one);
	return words.size ? `${filled}?${words}` : filled;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/* The body as words for curl; a token in a form is named, not shown. */
function data(body) {
	if (body === null)
		return [];
	if (body instanceof File)
		return ['--data-binary', quoted(`@${body.name}`)];
	if (!(body instanceof FormData))
		return ['--data-binary', quoted(body)];
	return [...body].flatMap(([name, value]) => ['-F',
		name === 'token' ? '"token=$TOKEN"' : quoted(
			`${name}=${value instanceof File ? `@${value.name}` : value}`)]);
}

/* The same for a shell; the token is named, not shown. */
export function curl(method, path, headers, body, withToken) {
	const words = ['curl'];

	if (method !== (body === null ? 'GET' : 'POST'))
		words.push('-X', method);
	if (withToken)
		words.push('-H', '"Authorization: Bearer $TOKEN"');
	for (const [name, value] of Object.entries(headers))
		words.push('-H', quoted(`${name}: ${value}`));
	words.push(...data(body), quoted(location.origin + path));
	return words.join(' ');
}

function readable(text, type) {
	if (text.length > SHOWN_MAX)
		return `${text.slice(0, SHOWN_MAX)}\n… ${text.length -
			SHOWN_MAX} more characters`;
	if (!/[/+]json/.test(type))
		return text;
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return text;
	}
}

/* The text; of one that has no end what is there first. */
async function textOf(reply) {
	const type = reply.headers.get('Content-Type') ?? '';

	if (!type.startsWith('text/event-stream'))
		return readable(await reply.text(), type);
	const reader = reply.body.getReader();
	const { value } = await reader.read();

	reader.cancel();
	return new TextDecoder().decode(value);
}

/* { status, headers, text }; problem is a sentence where there is no answer. */
export async function send(method, path, headers, body, token) {
	const all = new Headers(headers);

	try {
		if (token)
			all.set('Authorization', `Bearer ${token}`);
		const reply = await fetch(path, {
			method, headers: all, body, credentials: 'omit',
			cache: 'no-store', redirect: 'manual',
		});

		if (reply.type === 'opaqueredirect')
			return { status: 'a redirect', headers: '', text: '' };
		return {
			status: `${reply.status} ${reply.statusText}`.trim(),
			headers: [...reply.headers].map(([name, value]) =>
				`${name}: ${value}`).join('\n'),
			text: await textOf(reply),
		};
	} catch (cause) {
		return { status: '', problem: `No answer: ${cause.message}` };
	}
}
