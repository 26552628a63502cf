// SPDX-License-Identifier: MIT
/*
 * upload: the page /upload with drag and drop, a look at the file before it is
 * sent, and progress.  The forms work without this script; it sends the same
 * and shows the same answer.
 */
import { alarm } from './alarm.js';
import { el, setText } from './dom.js';
import { count } from './figures.js';
import { begin, byId } from './frame.js';
import { precheck } from './precheck.js';
import { t, translate } from './words.js';

let looking = null;

function size(bytes) {
	return bytes < 1e6 ? `${count(Math.ceil(bytes / 1000))} kB` :
		`${(bytes / 1e6).toFixed(1)} MB`;
}

function tellCheck(file, found) {
	const node = byId('check');
	const words = found.done ? '{name}, {size}: {n} rows read' :
		'{name}, {size}: {n} rows read so far …';

	node.replaceChildren(el('p', {}, t(words, { name: file.name,
		size: size(file.size), n: count(found.rows) })));
	if (found.done && !found.faults.length)
		node.append(el('p', { class: 'quiet' },
			t('Nothing looks wrong; the server has the last word.')));
	if (found.faults.length)
		node.append(el('ul', {}, ...found.faults.map(({ line, text, what }) =>
			el('li', { class: 'fault' }, t('line {line}: {fault}', { line,
				fault: t(text, { what }) })))));
	if (found.more)
		node.append(el('p', { class: 'fault' }, t('and {n} more',
			{ n: count(found.more) })));
}

async function look() {
	const [file] = byId('file').files;

	looking?.abort();
	looking = new AbortController();
	const mine = looking;
	byId('check').replaceChildren();
	if (!file)
		return;
	try {
		await precheck(file, byId('charset').value, (found) =>
			mine === looking && tellCheck(file, found), mine.signal);
	} catch (cause) {
		if (mine === looking)
			setText(byId('check'), t('The file cannot be read: {why}',
				{ why: cause.message }));
	}
}

/* The answer's report takes the place of the one before. */
function showAnswer(text) {
	const page = new DOMParser().parseFromString(text, 'text/html');
	const report = page.getElementById('report');

	if (!report)
		return false;
	translate(report);
	byId('report')?.remove();
	document.querySelector('main').prepend(report);
	report.tabIndex = -1;
	report.focus();
	report.scrollIntoView({ block: 'start' });
	return true;
}

function send(event) {
	const form = event.currentTarget;
	const request = new XMLHttpRequest();
	const bar = byId('progress');
	const button = form.querySelector('button[type="submit"]');
	const over = () => {
		bar.hidden = true;
		button.disabled = false;
		setText(byId('sending'), '');
	};

	event.preventDefault();
	request.open('POST', form.getAttribute('action'));
	request.upload.addEventListener('progress', ({ loaded, total }) => {
		bar.max = total;
		bar.value = loaded;
		setText(byId('sending'), loaded < total ?
			t('{share} % sent', { share: Math.floor(100 * loaded / total) }) :
			t('Sent; it is being read …'));
	});
	request.addEventListener('load', () => {
		over();
		if (!showAnswer(request.responseText))
			setText(byId('sending'), t('It was refused: {why}',
				{ why: request.statusText || String(request.status) }));
	});
	request.addEventListener('error', () => {
		over();
		setText(byId('sending'), t('Tally does not answer.'));
	});
	bar.hidden = false;
	bar.value = 0;
	button.disabled = true;
	request.send(new FormData(form));
}

function listenDrops(zone) {
	for (const name of ['dragenter', 'dragover'])
		zone.addEventListener(name, (event) => {
			if (!event.dataTransfer.types.includes('Files'))
				return;
			event.preventDefault();
			zone.classList.add('over');
		});
	for (const name of ['dragleave', 'drop'])
		zone.addEventListener(name, () => zone.classList.remove('over'));
	zone.addEventListener('drop', (event) => {
		if (!event.dataTransfer.files.length)
			return;
		event.preventDefault();
		byId('file').files = event.dataTransfer.files;
		look();
	});
}

begin();
if (document.querySelector('input[name="csrf"]'))
	alarm(); /* who has no log-in hears nothing */
const form = byId('file').form;
byId('file').closest('.field').append(
	el('p', { class: 'quiet' }, t('Or drop a file anywhere on this card.')),
	el('div', { id: 'check', role: 'status' }),
	el('progress', { id: 'progress', hidden: true,
		'aria-label': t('Progress') }),
	el('p', { id: 'sending', class: 'quiet', role: 'status' }));
byId('file').addEventListener('change', look);
byId('charset').addEventListener('change', look);
form.addEventListener('submit', send);
listenDrops(form.closest('section'));
