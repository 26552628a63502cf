// SPDX-License-Identifier: MIT
/*
 * dom: elements without markup.  Every text that comes from outside goes
 * through a text node, so a name is never read as HTML.
 */

/* el('p', { class: 'x', 'data-y': 1 }, 'text', node, …); null is left out. */
export function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value === true ? '' : value);
	node.append(...children.filter((child) =>
		child !== null && child !== undefined));
	return node;
}

/* Writing the same text again would wake screen readers and selections. */
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

/* Rebuilds node's children only when what they show has changed. */
export function fill(node, shown, build) {
	const signature = JSON.stringify(shown);

	if (node.shown === signature)
		return false;
	node.shown = signature;
	node.replaceChildren(...build());
	return true;
}
