// SPDX-License-Identifier: MIT
/*
 * driver: a Chromium that does what each line on stdin says.
 *
 *	["goto", "http://127.0.0.1:8080/"]\n  ->  {"ok": …}\n or {"error": "…"}\n
 *
 * It knows nothing about Tally; the tests are in test_page.py.
 */
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const AXE = readFileSync(
	createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic',
	'--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];
/* A busy machine is slow; what works does not wait for it. */
const PATIENCE_MS = 120000;

const browser = await chromium.launch({
	executablePath: process.argv[2], headless: true, args: FLAGS,
	timeout: PATIENCE_MS,
});
let page = null;
let seen = null;

/* A new window without cookies; what it asks for and says is kept. */
async function open(options) {
	await page?.context().close();
	page = await (await browser.newContext(options)).newPage();
	page.setDefaultTimeout(PATIENCE_MS);
	const now = { requests: [], answered: [], console: [], dialogs: [] };
	seen = now;
	page.on('request', (request) => now.requests.push(request.url()));
	page.on('response', (response) => now.answered.push(
		new URL(response.url()).pathname));
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type()))
			now.console.push(message.text());
	});
	page.on('pageerror', (error) => now.console.push(String(error)));
	page.on('dialog', (dialog) => {
		now.dialogs.push(dialog.message());
		dialog.dismiss();
	});
}

/* A colour on its way to another is none that anybody has to read. */
const still = () => page.evaluate(() => document.getAnimations().forEach(
	(animation) => animation.finish()));

/* What never comes must not be waited for without end. */
async function soon(what, why, ms = PATIENCE_MS) {
	let timer;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error(why())), ms);
	});

	try {
		return await Promise.race([what, late]);
	} finally {
		clearTimeout(timer);
	}
}

/*
 * A page as a first visitor sees it, in a window just opened: { ms, cpu_ms,
 * bytes, requests, console }: until the frame after `ready` holds, the time and
 * what the page's own thread worked; and over the wire, headers included,
 * until nothing more is under way.
 */
async function first(url, ready) {
	const cdp = await page.context().newCDPSession(page);
	const under_way = new Map(); /* what was asked for, by its id */
	let bytes = 0;
	let requests = 0;
	let settled = null;
	const over = (id) => {
		under_way.delete(id);
		if (!under_way.size)
			settled?.();
	};

	await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
	await cdp.send('Network.enable');
	cdp.on('Network.requestWillBeSent', ({ requestId, type, request }) => {
		requests++;
		if (type !== 'EventSource') /* which has no end */
			under_way.set(requestId, `${type} ${request.url}`);
	});
	cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
		bytes += encodedDataLength;
		over(requestId);
	});
	cdp.on('Network.loadingFailed', ({ requestId }) => over(requestId));
	await page.addInitScript(`window.painted = new Promise((paint) => {
		/* A task after the frame: it has been painted. */
		const { port1, port2 } = new MessageChannel();
		const look = () => ${ready} ? port2.postMessage(0) :
			requestAnimationFrame(look);

		port1.onmessage = () => paint(performance.now());
		requestAnimationFrame(look);
	})`);
	await page.goto(url);
	const ms = await soon(page.evaluate('window.painted'),
		() => `not painted: ${ready}`);
	const { metrics } = await cdp.send('Performance.getMetrics');
	const cpu = metrics.find(({ name }) => name === 'TaskDuration').value;

	if (under_way.size)
		await soon(new Promise((done) => { settled = done; }),
			() => `still under way: ${[...under_way.values()]}`);
	return { ms, cpu_ms: 1000 * cpu, bytes, requests,
		console: seen.console };
}

const actions = {
	open,
	first,
	/* Another #fragment alone is no new document and has no status. */
	goto: async (url) => (await page.goto(url))?.status(),
	url: () => page.url(),
	fill: (where, text) => page.fill(where, text),
	click: (where) => page.click(where),
	/* Without a script, another document comes; it is all there then. */
	submit: (where) => Promise.all([page.waitForEvent('load'),
		page.click(where)]).then(() => null),
	check: (where) => page.check(where, { force: true }),
	setFiles: (where, path) => page.setInputFiles(where, path),
	select: (where, value) => page.selectOption(where, value),
	drag: async (x, y, to_x, to_y) => {
		await page.mouse.move(x, y);
		await page.mouse.down();
		await page.mouse.move(to_x, to_y, { steps: 4 });
		await page.mouse.up();
	},
	/* The page's clock from here on, for forward(): timers fire early. */
	clock: () => page.clock.install(),
	forward: (ms) => page.clock.fastForward(ms),
	press: (key) => page.keyboard.press(key),
	evaluate: (script) => page.evaluate(script),
	resize: (width, height) => page.setViewportSize({ width, height }),
	media: (colorScheme) => page.emulateMedia({ colorScheme }),
	offline: (off) => page.context().setOffline(off),
	forget: () => page.context().clearCookies(),
	cookies: () => page.context().cookies(),
	shot: async (path) => {
		await still();
		await page.screenshot({ path, fullPage: true });
	},
	seen: () => seen,
	responses: (path) => seen.answered.filter((one) => one === path),
	axe: async () => {
		await still();
		const { violations } = await page.evaluate(
			`(() => { ${AXE}; return axe.run(); })()`);
		return violations.map(({ id, nodes }) =>
			`${id}: ${nodes.map(({ target }) => target).join(' ')}`);
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const [name, ...words] = JSON.parse(line);
	let reply;
	try {
		reply = { ok: await soon(actions[name](...words),
			() => 'it does not end', 3 * PATIENCE_MS) ?? null };
	} catch (cause) {
		reply = { error: `${name}: ${cause.message}` };
	}
	process.stdout.write(`${JSON.stringify(reply)}\n`);
}
await browser.close();
