// SPDX-License-Identifier: MIT
/*
 * docs: every route of the OpenAPI document, to read and to try.  A route's
 * form is made when it is opened.
 *
 * The token is read from its field for each request; nothing else keeps it.
 */
import { address, curl, send } from './call.js';
import { el } from './dom.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const token = document.getElementById('token');
const status = document.getElementById('status');
let api = null;

/* What a $ref stands for. */
function real(thing) {
	while (thing.$ref)
		thing = thing.$ref.slice(2).split('/').reduce(
			(node, name) => node[name], api);
	return thing;
}

/* Text with `names` in it. */
const prose = (text) => text.split('`').map((part, i) =>
	i % 2 ? el('code', {}, part) : part);

const pretty = (example) => typeof example === 'string' ? example
	: JSON.stringify(example, null, 2);

/* ---- the fields of a route ---- */

function choices(schema) {
	if (schema.enum)
		return schema.enum.filter((one) => one !== null);
	return schema.type === 'boolean' ? [true, false] : null;
}

/* { node, read }: read() is the value, undefined for what is left out. */
function field(parameter, id) {
	const { name, schema, required, description } = parameter;
	const wanted = required || parameter.in === 'path';
	const listed = choices(schema);
	const note = `${id}-note`;
	const input = listed
		? el('select', { id, required: wanted, 'aria-describedby': note },
			wanted ? null : el('option', { value: '' }, 'left out'),
			...listed.map((one) => el('option', {}, String(one))))
		: el('input', {
			id, required: wanted, 'aria-describedby': note,
			autocomplete: 'off', autocapitalize: 'none',
			spellcheck: 'false',
			placeholder: [parameter.example ?? ''].flat().join(', '),
		});
	const read = () => {
		if (input.value === '')
			return undefined;
		return schema.type === 'array'
			? input.value.split(',').map((one) => one.trim())
			: input.value;
	};
	const hint = schema.type === 'array'
		? `${description} Several: with commas between.` : description;

	return {
		parameter, read,
		node: el('div', { class: 'field' },
			el('label', { for: id }, wanted ? `${name} (required)` : name),
			input, el('p', { class: 'quiet', id: note }, ...prose(hint))),
	};
}

/* What a body of this type is written in: { node, read }; read() is a text, a
 * file, or the parts of a form. */
function editor(type, { schema, example }, id) {
	if (type === 'multipart/form-data')
		return form(schema, id);
	if (schema.contentMediaType) {
		const input = el('input', { id, type: 'file' });

		return {
			node: el('div', { class: 'field' },
				el('label', { for: id }, 'File'), input),
			read: () => input.files[0] ?? null,
		};
	}
	const text = el('textarea', {
		id, rows: 8, spellcheck: 'false', autocomplete: 'off' });

	text.value = type.endsWith('urlencoded')
		? new URLSearchParams(example) : pretty(example ?? '');
	return {
		node: el('div', { class: 'field' },
			el('label', { for: id }, 'Body'), text),
		read: () => text.value === '' ? null : text.value,
	};
}

function form(schema, id) {
	const inputs = Object.entries(schema.properties).map(([name, part]) => {
		const { node } = field({ name, schema: part, in: 'form',
			description: part.description ?? '' }, `${id}-${name}`);
		const input = node.querySelector('input, select');

		if (part.contentMediaType)
			input.type = 'file';
		else if (name === 'token')
			input.type = 'password';
		return { name, node, input };
	});

	return {
		node: el('div', { class: 'fields' },
			...inputs.map(({ node }) => node)),
		read: () => {
			const parts = new FormData();

			for (const { name, input } of inputs)
				if (input.value !== '')
					parts.append(name, input.files?.[0] ?? input.value);
			return parts;
		},
	};
}

/* { node, read }: read() is { type, content }, null where there is no body. */
function body(operation, id) {
	const { requestBody } = operation;

	if (!requestBody)
		return { node: null, read: () => null };
	const types = Object.keys(requestBody.content);
	const type = el('select', { id: `${id}-type` },
		...types.map((one) => el('option', {}, one)));
	const place = el('div', {});
	let now = null;
	const show = () => {
		now = editor(type.value, requestBody.content[type.value],
			`${id}-body`);
		place.replaceChildren(now.node);
	};

	show();
	type.addEventListener('change', show);
	return {
		read: () => {
			const content = now.read();

			return content === null && !requestBody.required ? null
				: { type: type.value, content: content ?? '' };
		},
		node: el('div', { class: 'fields' },
			el('div', { class: 'field' },
				el('label', { for: type.id }, 'Content-Type'), type),
			place),
	};
}

/* ---- a route ---- */

function outcome(answer, command) {
	const region = (label, text) => text === '' ? null
		: el('pre', { tabindex: 0, role: 'region', 'aria-label': label },
			text);

	return [
		el('p', { class: answer.problem ? 'error' : null },
			el('strong', {}, answer.problem ?? answer.status)),
		...answer.problem ? [] : [region('Answer', answer.text),
			region('Its header', answer.headers)],
		region('The same with curl', command),
	].filter((node) => node !== null);
}

async function ask(route, fields, sent, shown) {
	const values = { path: {}, query: {}, header: {} };
	const given = sent.read();

	for (const { parameter, read } of fields) {
		const value = read();
		if (value !== undefined)
			values[parameter.in][parameter.name] = value;
	}
	/* Of a form the browser says what stands between its parts. */
	if (given && !(given.content instanceof FormData))
		values.header['Content-Type'] = given.type;
	const secured = route.operation.security.length > 0;
	const path = address(route.path, values);
	const content = given?.content ?? null;

	shown.setAttribute('aria-busy', 'true');
	const answer = await send(route.method, path, values.header, content,
		secured ? token.value.trim() : '');
	shown.removeAttribute('aria-busy');
	shown.replaceChildren(...outcome(answer,
		curl(route.method, path, values.header, content, secured)));
	status.classList.toggle('error', !/^2|^304/.test(answer.status));
	status.textContent = `${route.method} ${path}: ${
		answer.problem ?? answer.status}`;
}

function answers(operation) {
	return el('dl', { class: 'answers' },
		...Object.entries(operation.responses).flatMap(([code, response]) => [
			el('dt', {}, code),
			el('dd', {},
				...prose(real(response).description))]));
}

function inside(route) {
	const { operation } = route;
	const id = operation.operationId;
	const fields = (operation.parameters ?? []).map((parameter, i) =>
		field(real(parameter), `${id}-${i}`));
	const sent = body(operation, id);
	const shown = el('div', { class: 'outcome' });
	const form = el('form', { class: 'inside', 'aria-label':
		`${route.method} ${route.path}` },
	el('p', {}, ...prose(operation.description)),
	el('p', { class: 'quiet' }, rights(operation)),
	fields.length ? el('div', { class: 'fields' },
		...fields.map(({ node }) => node)) : null,
	sent.node,
	el('div', {}, el('button', { class: 'primary', type: 'submit' }, 'Send')),
	shown, el('h4', {}, 'Answers'), answers(operation));

	form.addEventListener('submit', (event) => {
		event.preventDefault();
		ask(route, fields, sent, shown);
	});
	return form;
}

function rights(operation) {
	const scopes = operation.security.flatMap((one) => one.bearer ?? []);

	if (!scopes.length)
		return 'Needs no token.';
	return `Needs a token of the scope ${scopes.join(' or ')}${
		operation['x-unbound'] ? ' that is bound to no camera' : ''}.`;
}

function routeNode(route) {
	const node = el('details', {
		class: 'card', id: route.operation.operationId },
	el('summary', {}, el('h3', {}, el('span', { class: 'method' },
		route.method), ` ${route.path}`),
	el('span', { class: 'quiet' }, route.operation.summary)));

	node.addEventListener('toggle', () => {
		if (node.open && !node.querySelector('form'))
			node.append(inside(route));
	});
	return node;
}

/* ---- the page ---- */

function routes() {
	return Object.entries(api.paths).flatMap(([path, item]) =>
		METHODS.filter((method) => item[method]).map((method) => ({
			path, method: method.toUpperCase(), operation: item[method],
		})));
}

function show() {
	const all = routes();

	document.getElementById('routes').replaceChildren(...api.tags.map((tag, i) =>
		el('section', { 'aria-labelledby': `group-${i}` },
			el('h2', { id: `group-${i}`, tabindex: -1 }, tag.name),
			el('p', { class: 'quiet' }, tag.description),
			...all.filter(({ operation }) =>
				operation.tags.includes(tag.name)).map(routeNode))));
	document.getElementById('groups').replaceChildren(...api.tags.map((tag, i) =>
		el('li', {}, el('a', { href: `#group-${i}` }, tag.name))));
}

/* #listStats opens that route. */
function openNamed() {
	const node = document.getElementById(location.hash.slice(1));

	if (node instanceof HTMLDetailsElement) {
		node.open = true;
		node.scrollIntoView();
	}
}

try {
	const reply = await fetch('/api/v1/openapi.json',
		{ credentials: 'omit' });

	if (!reply.ok)
		throw new Error(`status ${reply.status}`);
	api = await reply.json();
	show();
	openNamed();
	addEventListener('hashchange', openNamed);
} catch (cause) {
	status.classList.add('error');
	status.textContent = `The document cannot be read: ${cause.message}`;
}
