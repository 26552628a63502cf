// SPDX-License-Identifier: MIT
/*
 * words: the page's language.  A text is looked up by its English words, so
 * that what nobody has translated is still read.  The language is the one
 * chosen on the page, else the first of the browser's that there is.
 *
 * In a document, data-t marks an element whose text is translated, and
 * data-t-label one whose aria-label is.
 */
export const LANGUAGES = { en: 'English', ko: '한국어', zh: '中文（简体）' };
const KEY = 'tally.language';

function stored() {
	try {
		return localStorage.getItem(KEY);
	} catch {
		return null; /* storage is switched off */
	}
}

/* "zh-Hans-CN" and "zh" are zh; traditional characters are another script. */
function known(tag) {
	const [language] = tag.toLowerCase().split('-');

	return Object.hasOwn(LANGUAGES, language) &&
		!/^zh-(hant|tw|hk|mo)/i.test(tag) ? language : null;
}

export const language = known(stored() ?? '') ??
	(navigator.languages ?? []).map(known).find(Boolean) ?? 'en';

const catalogue = language === 'en' ? {} :
	(await import(`./words.${language}.js`)).default;

/* For Intl: days before months, 24 hours. */
export const locale = { en: 'en-GB', ko: 'ko-KR', zh: 'zh-CN' }[language];

/* Texts that were asked for and are not translated. */
export const missed = new Set();

function find(text) {
	if (language !== 'en' && !Object.hasOwn(catalogue, text))
		missed.add(text);
	return catalogue[text] ?? text;
}

/* t('{n} of {all}', { n: 1, all: 2 }) */
export function t(text, values = {}) {
	return find(text).replaceAll(/\{(\w+)\}/g,
		(place, name) => Object.hasOwn(values, name) ?
			String(values[name]) : place);
}

const one_line = (text) => text.trim().replaceAll(/\s+/g, ' ');

/* The marked parts of the document, once. */
export function translate(root = document) {
	if (root === document)
		document.documentElement.lang = language;
	if (language === 'en')
		return;
	for (const node of root.querySelectorAll('[data-t]'))
		node.textContent = t(one_line(node.textContent));
	for (const node of root.querySelectorAll('[data-t-label]'))
		node.setAttribute('aria-label',
			t(node.getAttribute('aria-label')));
	if (root === document)
		document.title = document.title.split(' – ').map((part) =>
			t(part)).join(' – ');
}

/* Keeps the choice and shows the page in it. */
export function speak(chosen) {
	try {
		localStorage.setItem(KEY, chosen);
	} catch {
		return; /* it cannot be kept, so nothing would change */
	}
	location.reload();
}
