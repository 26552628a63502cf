// SPDX-License-Identifier: MIT
/*
 * frame: what every page has around it: its language and the switch for it,
 * the line that says how things go, and the way out when the log-in is over.
 */
import { el, setText } from './dom.js';
import { LANGUAGES, language, speak, translate } from './words.js';

export const byId = (id) => document.getElementById(id);

export function say(text, error = false) {
	const status = byId('status');

	status.classList.toggle('error', error);
	setText(status, text);
}

/* Translates the document and fills the switch. */
export function begin() {
	const choice = byId('language');

	translate();
	if (!choice)
		return;
	choice.replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) =>
		el('option', { value: code, lang: code }, name)));
	choice.value = language;
	choice.hidden = false;
	choice.addEventListener('change', () => speak(choice.value));
}
