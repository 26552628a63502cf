// SPDX-License-Identifier: MIT
/*
 * upload: the page /upload in the reader's language.  The forms work without
 * this script.
 */
import { begin } from './frame.js';

begin();
