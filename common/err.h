// SPDX-License-Identifier: MIT
/*
 * err: the only error type.  0 is success; results leave by pointer.
 * The function that sees a failure says its cause once (log or report); those
 * above pass the enum on.  Thread-safe.
 */
#ifndef TALLY_COMMON_ERR_H
#define TALLY_COMMON_ERR_H

#define ERR_TABLE(X) \
	X(E_OK, "ok") \
	X(E_NOT_FOUND, "no such object") \
	X(E_EXISTS, "exists already") \
	X(E_INVALID, "not valid") \
	X(E_SYNTAX, "not well-formed") \
	X(E_TOO_BIG, "over its bound") \
	X(E_FULL, "queue or pool is full") \
	X(E_NOMEM, "out of memory") \
	X(E_IO, "input or output failed") \
	X(E_CORRUPT, "data is damaged") \
	X(E_NETWORK, "the network failed") \
	X(E_TIMEOUT, "took too long") \
	X(E_REFUSED, "the other side refused") \
	X(E_BUSY, "somebody else is doing it") \
	X(E_DB, "the database refused") \
	X(E_DB_GONE, "the database is not reachable") \
	X(E_CONFLICT, "stored with other values")

enum err {
#define X(name, text) name,
	ERR_TABLE(X)
#undef X
};

/* Static text, never NULL. */
const char *err_text(enum err e);

#endif
