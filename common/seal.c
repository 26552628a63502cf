// SPDX-License-Identifier: MIT
#include "common/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum {
	MAGIC = 8,
	KEY_ID = 16,
	SEALED = SEAL_KEY + crypto_box_SEALBYTES,
	STREAM = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	HEAD = MAGIC + KEY_ID + SEALED + STREAM,
	TAG = crypto_secretstream_xchacha20poly1305_ABYTES,
	CIPHER = SEAL_CHUNK + TAG,
	WINDOW_LOG_MAX = 23, /* 8 MiB; level 3 uses 2 */
	LEVEL = 3,
	KEY_LINE = 128
};

static const char magic[MAGIC + 1] = "TALLYB1\n";
static const char secret_word[] = "tally-backup-secret-1:";
static const char public_word[] = "tally-backup-public-1:";

/* Written beside the head: what a chunk at the front is bound to. */
struct head {
	unsigned char at[HEAD];
};

struct seal_out {
	int fd;
	char *path;
	ZSTD_CCtx *zstd;
	crypto_secretstream_xchacha20poly1305_state state;
	struct head head;
	bool first;
	uint64_t bytes;
	size_t n; /* in plain */
	unsigned char plain[SEAL_CHUNK], cipher[CIPHER];
};

struct seal_in {
	int fd;
	char *path;
	ZSTD_DCtx *zstd;
	crypto_secretstream_xchacha20poly1305_state state;
	struct head head;
	bool first, last; /* the next chunk is; the one in plain was */
	bool frame_ended;
	ZSTD_inBuffer packed;
	unsigned char plain[SEAL_CHUNK], cipher[CIPHER];
};

static enum err io(char why[SEAL_WHY], const char *what, const char *path)
{
	snprintf(why, SEAL_WHY, "%s %s: %s", what, path, strerror(errno));
	return errno == ENOENT	  ? E_NOT_FOUND
		: errno == EEXIST ? E_EXISTS
				  : E_IO;
}

static enum err damaged(struct seal_in *in, char why[SEAL_WHY], const char *how)
{
	snprintf(why, SEAL_WHY, "%s is damaged: %s", in->path, how);
	return E_CORRUPT;
}

static enum err no_memory(char why[SEAL_WHY])
{
	snprintf(why, SEAL_WHY, "out of memory");
	return E_NOMEM;
}

static bool write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t did = write(fd, at, n);

		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return false;
		at += did;
		n -= (size_t)did;
	}
	return true;
}

/* Up to n bytes, less only at the end of the file; -1: errno. */
static ssize_t read_all(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t did = read(fd, (char *)p + got, n - got);

		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return -1;
		if (!did)
			break;
		got += (size_t)did;
	}
	return (ssize_t)got;
}

/* ---- keys */

static enum err write_key(const char *path, mode_t mode, const char *word,
	const unsigned char key[SEAL_KEY], char why[SEAL_WHY])
{
	char hex[2 * SEAL_KEY + 1], line[KEY_LINE];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok;

	if (fd < 0)
		return io(why, "cannot make", path);
	sodium_bin2hex(hex, sizeof(hex), key, SEAL_KEY);
	snprintf(line, sizeof(line), "%s%s\n", word, hex);
	ok = write_all(fd, line, strlen(line)) && !fsync(fd);
	sodium_memzero(hex, sizeof(hex));
	sodium_memzero(line, sizeof(line));
	if (!ok)
		io(why, "cannot write", path);
	close(fd);
	if (!ok)
		unlink(path);
	return ok ? E_OK : E_IO;
}

enum err seal_make_keys(const char *path, char why[SEAL_WHY])
{
	unsigned char pk[SEAL_KEY], sk[SEAL_KEY];
	size_t n = strlen(path) + sizeof(".pub");
	char *public = malloc(n);
	enum err e;

	if (!public)
		return no_memory(why);
	snprintf(public, n, "%s.pub", path);
	crypto_box_keypair(pk, sk);
	if (!(e = write_key(path, 0600, secret_word, sk, why))) {
		e = write_key(public, 0644, public_word, pk, why);
		if (e)
			unlink(path);
	}
	sodium_memzero(sk, sizeof(sk));
	free(public);
	return e;
}

enum err seal_load_key(const char *path, bool secret,
	unsigned char key[SEAL_KEY], char why[SEAL_WHY])
{
	const char *word = secret ? secret_word : public_word;
	const char *kind = secret ? "secret" : "public";
	char line[KEY_LINE];
	size_t words = strlen(word), got = 0;
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return io(why, "cannot read the key", path);
	if (secret && !fstat(fd, &st) && st.st_mode & (S_IRWXG | S_IRWXO)) {
		close(fd);
		snprintf(why, SEAL_WHY,
			"others than its owner may use the key %s: chmod 600 "
			"it",
			path);
		return E_REFUSED;
	}
	n = read_all(fd, line, sizeof(line) - 1);
	close(fd);
	if (n < 0)
		return io(why, "cannot read the key", path);
	line[n] = '\0';
	if (strncmp(line, word, words) ||
		sodium_hex2bin(key, SEAL_KEY, line + words,
			strcspn(line + words, "\r\n"), NULL, &got, NULL) ||
		got != SEAL_KEY) {
		sodium_memzero(line, sizeof(line));
		snprintf(why, SEAL_WHY, "%s is no %s key of `tally backup key`",
			path, kind);
		return E_INVALID;
	}
	sodium_memzero(line, sizeof(line));
	return E_OK;
}

static void key_id(const unsigned char pk[SEAL_KEY], unsigned char id[KEY_ID])
{
	crypto_generichash(id, KEY_ID, pk, SEAL_KEY, NULL, 0);
}

/* ---- writing */

static enum err put_head(struct seal_out *out, const unsigned char *pk,
	unsigned char stream_key[SEAL_KEY])
{
	unsigned char *at = out->head.at;

	crypto_secretstream_xchacha20poly1305_keygen(stream_key);
	memcpy(at, magic, MAGIC);
	key_id(pk, at + MAGIC);
	if (crypto_box_seal(at + MAGIC + KEY_ID, stream_key, SEAL_KEY, pk))
		return E_INVALID;
	crypto_secretstream_xchacha20poly1305_init_push(
		&out->state, at + HEAD - STREAM, stream_key);
	out->first = true;
	return E_OK;
}

enum err seal_create(struct seal_out **made, const char *path,
	const unsigned char public_key[SEAL_KEY],
	unsigned char stream_key[SEAL_KEY], char why[SEAL_WHY])
{
	struct seal_out *out = calloc(1, sizeof(*out));

	*made = NULL;
	if (!out)
		return no_memory(why);
	out->fd = -1;
	out->path = strdup(path);
	out->zstd = ZSTD_createCCtx();
	if (!out->path || !out->zstd) {
		seal_drop(out);
		return no_memory(why);
	}
	ZSTD_CCtx_setParameter(out->zstd, ZSTD_c_compressionLevel, LEVEL);
	if (put_head(out, public_key, stream_key)) {
		seal_drop(out);
		snprintf(why, SEAL_WHY, "the public key is not a valid one");
		return E_INVALID;
	}
	out->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out->fd < 0 || !write_all(out->fd, out->head.at, HEAD)) {
		enum err e = io(why, "cannot write", path);

		seal_drop(out);
		return e;
	}
	out->bytes = HEAD;
	*made = out;
	return E_OK;
}

static enum err put_chunk(struct seal_out *out, bool last, char why[SEAL_WHY])
{
	unsigned long long n = 0;

	crypto_secretstream_xchacha20poly1305_push(&out->state, out->cipher, &n,
		out->plain, out->n, out->first ? out->head.at : NULL,
		out->first ? HEAD : 0,
		last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	if (!write_all(out->fd, out->cipher, (size_t)n))
		return io(why, "cannot write", out->path);
	out->bytes += n;
	out->first = false;
	out->n = 0;
	return E_OK;
}

/* A chunk is only written once there is more: the last must be known. */
static enum err pack(struct seal_out *out, ZSTD_inBuffer *from,
	ZSTD_EndDirective how, char why[SEAL_WHY])
{
	size_t left;
	enum err e;

	do {
		ZSTD_outBuffer to = {out->plain, SEAL_CHUNK, out->n};

		left = ZSTD_compressStream2(out->zstd, &to, from, how);
		if (ZSTD_isError(left)) {
			snprintf(why, SEAL_WHY, "zstd: %s",
				ZSTD_getErrorName(left));
			return E_NOMEM;
		}
		out->n = to.pos;
		if (out->n == SEAL_CHUNK && (e = put_chunk(out, false, why)))
			return e;
	} while (from->pos < from->size || (how == ZSTD_e_end && left));
	return E_OK;
}

enum err seal_write(
	struct seal_out *out, const void *p, size_t n, char why[SEAL_WHY])
{
	ZSTD_inBuffer from = {p, n, 0};

	return n ? pack(out, &from, ZSTD_e_continue, why) : E_OK;
}

enum err seal_finish(struct seal_out *out, uint64_t *bytes, char why[SEAL_WHY])
{
	ZSTD_inBuffer from = {"", 0, 0};
	enum err e = pack(out, &from, ZSTD_e_end, why);

	if (!e)
		e = put_chunk(out, true, why);
	if (!e && fsync(out->fd))
		e = io(why, "cannot write", out->path);
	*bytes = out->bytes;
	return e;
}

void seal_drop(struct seal_out *out)
{
	if (!out)
		return;
	if (out->fd >= 0)
		close(out->fd);
	ZSTD_freeCCtx(out->zstd);
	free(out->path);
	sodium_memzero(&out->state, sizeof(out->state));
	free(out);
}

/* ---- reading */

static enum err open_key(struct seal_in *in, const unsigned char *key,
	bool is_stream_key, unsigned char stream_key[SEAL_KEY],
	char why[SEAL_WHY])
{
	const unsigned char *at = in->head.at;
	unsigned char pk[SEAL_KEY], id[KEY_ID];

	if (is_stream_key) {
		memcpy(stream_key, key, SEAL_KEY);
		return E_OK;
	}
	if (crypto_scalarmult_base(pk, key))
		return E_INVALID;
	key_id(pk, id);
	if (memcmp(id, at + MAGIC, KEY_ID)) {
		snprintf(why, SEAL_WHY,
			"%s was not made for this key: another one, or its "
			"head is damaged",
			in->path);
		return E_REFUSED;
	}
	if (crypto_box_seal_open(
		    stream_key, at + MAGIC + KEY_ID, SEALED, pk, key))
		return damaged(in, why, "its key cannot be opened");
	return E_OK;
}

static enum err take_head(struct seal_in *in, const unsigned char *key,
	bool is_stream_key, char why[SEAL_WHY])
{
	unsigned char stream_key[SEAL_KEY];
	ssize_t n = read_all(in->fd, in->head.at, HEAD);
	enum err e;

	if (n < 0)
		return io(why, "cannot read", in->path);
	if (n < MAGIC || memcmp(in->head.at, magic, MAGIC)) {
		snprintf(why, SEAL_WHY, "%s is no backup of Tally", in->path);
		return E_CORRUPT;
	}
	if (n < HEAD)
		return damaged(in, why, "it ends too soon");
	if ((e = open_key(in, key, is_stream_key, stream_key, why)))
		return e;
	n = crypto_secretstream_xchacha20poly1305_init_pull(
		&in->state, in->head.at + HEAD - STREAM, stream_key);
	sodium_memzero(stream_key, sizeof(stream_key));
	in->first = true;
	return n ? damaged(in, why, "its head is not valid") : E_OK;
}

enum err seal_open(struct seal_in **made, const char *path,
	const unsigned char key[SEAL_KEY], bool is_stream_key,
	char why[SEAL_WHY])
{
	struct seal_in *in = calloc(1, sizeof(*in));
	enum err e;

	*made = NULL;
	if (!in)
		return no_memory(why);
	in->fd = -1;
	in->path = strdup(path);
	in->zstd = ZSTD_createDCtx();
	if (!in->path || !in->zstd) {
		seal_close(in);
		return no_memory(why);
	}
	ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	if ((in->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		e = io(why, "cannot read", path);
		seal_close(in);
		return e;
	}
	/* What the disk holds, not what memory still knows of it. */
	posix_fadvise(in->fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if ((e = take_head(in, key, is_stream_key, why))) {
		seal_close(in);
		return e;
	}
	*made = in;
	return E_OK;
}

static enum err take_chunk(struct seal_in *in, char why[SEAL_WHY])
{
	unsigned long long n = 0;
	unsigned char tag = 0;
	ssize_t got = read_all(in->fd, in->cipher, CIPHER);

	if (got < 0)
		return io(why, "cannot read", in->path);
	if (got < TAG)
		return damaged(in, why, "its end is missing");
	if (crypto_secretstream_xchacha20poly1305_pull(&in->state, in->plain,
		    &n, &tag, in->cipher, (unsigned long long)got,
		    in->first ? in->head.at : NULL, in->first ? HEAD : 0))
		return damaged(in, why, "it was altered, or cut");
	in->first = false;
	in->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	if (!in->last && got < CIPHER)
		return damaged(in, why, "its end is missing");
	if (in->last && read_all(in->fd, in->cipher, 1))
		return damaged(in, why, "something was added to it");
	in->packed = (ZSTD_inBuffer){in->plain, (size_t)n, 0};
	return E_OK;
}

enum err seal_read(
	struct seal_in *in, void *p, size_t n, bool *end, char why[SEAL_WHY])
{
	ZSTD_outBuffer to = {p, n, 0};
	enum err e;

	*end = false;
	while (to.pos < to.size) {
		size_t was = to.pos, left;

		if (in->packed.pos == in->packed.size && !in->last &&
			(e = take_chunk(in, why)))
			return e;
		if (in->frame_ended && in->packed.pos < in->packed.size)
			return damaged(in, why, "it goes on behind its end");
		if (in->frame_ended && in->last) {
			*end = to.pos == 0;
			return *end ? E_OK
				    : damaged(in, why, "it ends too soon");
		}
		if (in->frame_ended)
			continue;
		left = ZSTD_decompressStream(in->zstd, &to, &in->packed);
		if (ZSTD_isError(left))
			return damaged(in, why, ZSTD_getErrorName(left));
		in->frame_ended = !left;
		if (left && to.pos == was && in->last &&
			in->packed.pos == in->packed.size)
			return damaged(in, why, "it ends too soon");
	}
	return E_OK;
}

void seal_close(struct seal_in *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	ZSTD_freeDCtx(in->zstd);
	free(in->path);
	sodium_memzero(&in->state, sizeof(in->state));
	free(in);
}
