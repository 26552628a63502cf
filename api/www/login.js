// SPDX-License-Identifier: MIT
/*
 * login: keeps what stands behind the # of the address across the log-in.  The
 * form works without this script.
 */
import { translate } from './words.js';

translate();
document.getElementById('login').action = `/login${location.hash}`;
