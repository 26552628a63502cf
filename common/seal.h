// SPDX-License-Identifier: MIT
/*
 * seal: a file that only the holder of a secret key can read: compressed with
 * zstd, then encrypted with libsodium's secretstream (XChaCha20-Poly1305) in
 * chunks.  The stream's key is a fresh one, sealed to a public key: who writes
 * needs no secret.
 *
 *	magic, the public key's id, the sealed key, the stream's header
 *	chunks of SEAL_CHUNK bytes and 17; the last is shorter and says so
 *
 * A chunk is authenticated before a byte of it is given out; a flipped bit,
 * chunks in another order and a cut tail are all E_CORRUPT.  Memory is bounded
 * whatever the file says.  Needs token_start once per process; one thread at a
 * time.
 *
 * What went wrong is a sentence in why, for the log and for the user.
 */
#ifndef TALLY_COMMON_SEAL_H
#define TALLY_COMMON_SEAL_H

#include "common/base.h"

enum { SEAL_KEY = 32, SEAL_CHUNK = 64 << 10, SEAL_WHY = 400 };

struct seal_out;
struct seal_in;

/* Makes a pair: path gets the secret key (0600), path.pub the public one.
 * E_EXISTS, E_IO. */
MUST enum err seal_make_keys(const char *path, char why[SEAL_WHY]);

/* A key from its file; secret says which of the two is wanted.  A secret key
 * that others may read is refused. */
MUST enum err seal_load_key(const char *path, bool secret,
	unsigned char key[SEAL_KEY], char why[SEAL_WHY]);

/* Writes to a new file (0600); E_EXISTS, E_IO, E_NOMEM.  The stream's key is
 * left in stream_key, to read back what was written. */
MUST enum err seal_create(struct seal_out **out, const char *path,
	const unsigned char public_key[SEAL_KEY],
	unsigned char stream_key[SEAL_KEY], char why[SEAL_WHY]);
MUST enum err seal_write(
	struct seal_out *out, const void *p, size_t n, char why[SEAL_WHY]);
/* The last chunk, then fsync.  *bytes: of the file. */
MUST enum err seal_finish(
	struct seal_out *out, uint64_t *bytes, char why[SEAL_WHY]);
/* Closes the file, finished or not.  NULL is nothing. */
void seal_drop(struct seal_out *out);

/* Opens to read, from the disk where that can be had.  is_stream_key: key is
 * what seal_create left, else a secret key.  E_NOT_FOUND, E_IO, E_CORRUPT (no
 * such file, or cut in its head), E_REFUSED (it was made for another key). */
MUST enum err seal_open(struct seal_in **in, const char *path,
	const unsigned char key[SEAL_KEY], bool is_stream_key,
	char why[SEAL_WHY]);
/* Exactly n bytes.  *end is set, and nothing read, where the file properly
 * ends before the first of them.  E_CORRUPT, E_IO. */
MUST enum err seal_read(
	struct seal_in *in, void *p, size_t n, bool *end, char why[SEAL_WHY]);
void seal_close(struct seal_in *in);

#endif
