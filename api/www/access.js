// SPDX-License-Identifier: MIT
/*
 * access: the page /access: one's own password and, for an administrator, the
 * tokens of programs and the log-ins of people.  A token is shown once, and is
 * nowhere but in that part of the page.
 */
import { alarm } from './alarm.js';
import { LoggedOut, change, list, me } from './api.js';
import { el, fill, setText } from './dom.js';
import { begin, byId, say } from './frame.js';
import { nameOf } from './lists.js';
import { momentLabel } from './when.js';
import { t } from './words.js';

const ROLES = ['viewer', 'reviewer', 'admin'];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
let who = null;

const moment = (text) => text ? momentLabel(Date.parse(text), ZONE) : '–';
const cameraWords = (cameras) => cameras?.join(', ') ?? t('all');

function button(text, act) {
	const node = el('button', { type: 'button' }, text);

	node.addEventListener('click', act);
	return node;
}

/* Whether the reader says yes. */
function ask(question) {
	const dialog = byId('asking');

	setText(byId('asking-title'), question);
	dialog.returnValue = '';
	dialog.showModal();
	return new Promise((answer) => dialog.addEventListener('close', () =>
		answer(dialog.returnValue === 'yes'), { once: true }));
}

/* Does it, says what went wrong, and shows how things are then. */
async function tell(act) {
	try {
		const told = await act();
		await load();
		say('');
		return told ?? true;
	} catch (cause) {
		if (cause instanceof LoggedOut)
			location.replace('/?login=expired');
		say(cause.message, true);
		return null;
	}
}

// ---- tokens

/* A row of one camera, as a program of that name would send it. */
function examples(token) {
	const camera = token.cameras?.[0] ?? 'gate-1';
	const route = `${location.origin}/api/v1/counts`;
	const row = JSON.stringify({ camera, start_at: '2026-11-21T09:00:00Z',
		end_at: '2026-11-21T09:05:00Z', people: 12 });
	const reads = !token.scopes.includes('ingest');
	const header = `Authorization: Bearer ${token.token}`;

	if (reads)
		return {
			curl: `curl -H '${header}' '${route}?limit=10'`,
			python: 'import json, urllib.request\n' +
				`r = urllib.request.Request("${route}?limit=10", headers={\n` +
				`    "Authorization": "Bearer ${token.token}"})\n` +
				'print(json.load(urllib.request.urlopen(r)))',
		};
	return {
		curl: `curl -H '${header}' -d '${row}' ${route}`,
		python: 'import json, urllib.request\n' +
			`row = ${row}\n` +
			`r = urllib.request.Request("${route}", json.dumps(row).encode(),\n` +
			`    {"Authorization": "Bearer ${token.token}",\n` +
			'     "Content-Type": "application/json"})\n' +
			'print(json.load(urllib.request.urlopen(r)))',
	};
}

function showOnce(token) {
	const { curl, python } = examples(token);

	setText(byId('issued-token'), token.token);
	setText(byId('issued-curl'), curl);
	setText(byId('issued-python'), python);
	byId('issued').hidden = false;
	byId('issued').focus();
}

function hide() {
	for (const part of ['token', 'curl', 'python'])
		setText(byId(`issued-${part}`), '');
	byId('issued').hidden = true;
}

async function issue(event) {
	const form = new FormData(byId('issue'));
	const cameras = form.getAll('cameras');
	const said = { name: form.get('name').trim(),
		scopes: form.getAll('scopes') };

	event.preventDefault();
	if (cameras.length)
		said.cameras = cameras;
	if (form.get('until')) /* the end of that day, here */
		said.expires_at = new Date(new Date(
			`${form.get('until')}T00:00:00`).getTime() + 86400000)
			.toISOString().replace('.000', '');
	const made = await tell(async () =>
		(await change('POST', '/api/v1/tokens', said)).body);
	if (made) {
		byId('issue').reset();
		showOnce(made);
	}
}

async function rotate(token) {
	const made = await ask(t('Replace the secret of {name}? The old one ends now.',
		{ name: token.name })) && await tell(async () => (await change('POST',
		`/api/v1/tokens/${token.id}/rotate`, {})).body);

	if (made)
		showOnce(made);
}

async function revoke(token) {
	if (await ask(t('Revoke {name}? Programs that use it are refused.',
		{ name: token.name })))
		await tell(() => change('DELETE', `/api/v1/tokens/${token.id}`));
}

function tokenRow(token) {
	const valid = token.state === 'valid';

	return el('tr', { 'data-token': token.id, 'data-state': token.state },
		el('th', { scope: 'row' }, token.name),
		el('td', {}, token.scopes.join(', ')),
		el('td', { class: 'wrap' }, cameraWords(token.cameras)),
		el('td', {}, moment(token.last_used_at)),
		el('td', {}, moment(token.expires_at)),
		el('td', {}, t(token.state)),
		el('td', {}, valid ? el('p', { class: 'tools' },
			button(t('New secret'), () => rotate(token)),
			button(t('Revoke'), () => revoke(token))) : null));
}

// ---- people

const userPath = ({ user }) => `/api/v1/users/${encodeURIComponent(user)}`;

function roleChoice(user) {
	const choice = el('select', { 'aria-label': t('Role of {name}',
		{ name: user.user }) }, ...ROLES.map((role) =>
		el('option', { value: role, selected: role === user.role }, t(role))));

	choice.addEventListener('change', () => tell(() =>
		change('PATCH', userPath(user), { role: choice.value })));
	return choice;
}

function userRow(user) {
	const disabled = user.state === 'disabled';
	const mine = user.user === who.name;

	return el('tr', { 'data-user': user.user, 'data-state': user.state },
		el('th', { scope: 'row' }, user.user),
		el('td', {}, mine ? t(user.role) : roleChoice(user)),
		el('td', { class: 'wrap' }, cameraWords(user.cameras)),
		el('td', {}, moment(user.last_login_at)),
		el('td', {}, t(user.state)),
		el('td', {}, mine ? null : el('p', { class: 'tools' },
			button(t(disabled ? 'Allow again' : 'Disable'), () => tell(() =>
				change('PATCH', userPath(user), { disabled: !disabled }))),
			button(t('Remove'), async () => await ask(t('Remove {name}?',
				{ name: user.user })) && tell(() =>
				change('DELETE', userPath(user)))))));
}

async function add(event) {
	event.preventDefault();
	if (await tell(() => change('POST', '/api/v1/users',
		Object.fromEntries(new FormData(byId('add'))))))
		byId('add').reset();
}

// ---- one's own

async function setPassword(event) {
	event.preventDefault();
	if (await tell(() => change('PUT', '/api/v1/session/password',
		Object.fromEntries(new FormData(byId('password')))))) {
		byId('password').reset();
		say(t('The password is changed; your other log-ins have ended.'));
	}
}

async function leaveAll() {
	if (await ask(t('Log out here and everywhere else?')) &&
	    await tell(() => change('DELETE', '/api/v1/sessions')
		    .then(() => location.replace('/'))))
		location.replace('/');
}

async function load() {
	who = await me();
	setText(byId('mine'), t('{name}, {role}', { name: who.name,
		role: t(who.role ?? '–') }));
	/* Who sees only some cameras manages no tokens. */
	const admin = who.scopes.includes('admin') && !who.cameras;
	for (const node of document.querySelectorAll('.admin'))
		node.hidden = !admin;
	if (!admin)
		return;
	const [{ items: tokens }, { items: users }, { items: cameras }] =
		await Promise.all([list('/api/v1/tokens'), list('/api/v1/users'),
			list('/api/v1/cameras')]);

	fill(byId('tokens').tBodies[0], tokens, () =>
		[...tokens].reverse().map(tokenRow));
	fill(byId('users').tBodies[0], users, () => users.map(userRow));
	fill(byId('issue-cameras'), cameras.map(({ camera, name }) =>
		[camera, name]), () => cameras.map((camera) => el('option',
		{ value: camera.camera }, nameOf(camera))));
}

begin();
alarm();
byId('issue').addEventListener('submit', issue);
byId('add').addEventListener('submit', add);
byId('password').addEventListener('submit', setPassword);
byId('everywhere').addEventListener('click', leaveAll);
byId('hide').addEventListener('click', hide);
byId('copy').addEventListener('click', () =>
	navigator.clipboard?.writeText(byId('issued-token').textContent));
addEventListener('pagehide', hide);
tell(async () => {});
