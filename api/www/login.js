// SPDX-License-Identifier: MIT
/*
 * login: says why the form is shown again, and keeps what stands behind the
 * # of the address across the log-in.  The form works without this script.
 */
import { t, translate } from './words.js';

const REASONS = {
	failed: 'User or password is wrong.',
	limited: 'Too many failed attempts. Wait a minute and try again.',
	expired: 'Your log-in has ended. Please log in again.',
};

translate();
const reason = new URLSearchParams(location.search).get('login');
const message = document.getElementById('reason');

if (Object.hasOwn(REASONS, reason)) {
	message.textContent = t(REASONS[reason]);
	message.hidden = false;
}
document.getElementById('login').action = `/login${location.hash}`;
