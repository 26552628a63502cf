// SPDX-License-Identifier: MIT
#include "api/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/conf.h"
#include "common/log.h"

/* A record of TLS carries so much, and so much is put into one. */
enum { RECORD_MAX = 16384, TLS_HANDSHAKE_BYTE = 0x16 };

struct tls {
	SSL_CTX *ctx;
};

/* ---- the pair ---- */

static enum err said(const char *key, const char *file, const char *why)
{
	log_error("api.%s: %s: %s", key, file, why);
	ERR_clear_error();
	return E_INVALID;
}

/* The first thing that OpenSSL said, in its words. */
static const char *reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *why = ERR_reason_error_string(e);

	if (ERR_SYSTEM_ERROR(e))
		return strerror((int)ERR_GET_REASON(e));
	return why ? why : "cannot be used";
}

/* Without this OpenSSL would ask at the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

static enum err load_pair(SSL_CTX *ctx, const struct conf *c)
{
	const char *cert = c->api_tls_cert, *key = c->api_tls_key;
	struct stat st;

	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return said("tls_cert", cert, reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 &&
		ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH)
		return said("tls_key", key, reason());
	if (SSL_CTX_check_private_key(ctx) != 1)
		return said("tls_key", key, "is not the key of api.tls_cert");
	if (X509_cmp_current_time(
		    X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) < 0)
		log_warn("api.tls_cert: %s: the certificate has expired", cert);
	if (!stat(key, &st) && st.st_mode & (S_IROTH | S_IWOTH))
		log_warn("api.tls_key: %s: everybody on this machine may %s "
			 "it; chmod o= would end that",
			key, st.st_mode & S_IROTH ? "read" : "write");
	return E_OK;
}

/* ---- the rules ---- */

/* A client that names protocols but not this one is told so (RFC 7301). */
static int choose_protocol(SSL *ssl, const unsigned char **out,
	unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char http[] = "\x08http/1.1";
	unsigned char *found;

	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&found, out_n, http, sizeof(http) - 1, in,
		    in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = found;
	return SSL_TLSEXT_ERR_OK;
}

static enum err make(SSL_CTX **out, const struct conf *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum err e;

	*out = NULL;
	if (!ctx)
		return E_NOMEM;
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
			SSL_OP_CIPHER_SERVER_PREFERENCE |
			SSL_OP_PRIORITIZE_CHACHA |
			/* Every message says how long it is. */
			SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx,
		SSL_MODE_ENABLE_PARTIAL_WRITE |
			SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	/* Tickets are the client's memory; a cache would be ours. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") !=
			1)
		e = E_NOMEM;
	else
		e = load_pair(ctx, c);
	if (e)
		SSL_CTX_free(ctx);
	else
		*out = ctx;
	return e;
}

enum err tls_open(struct tls **t, const struct conf *c)
{
	struct tls *made;
	enum err e;

	*t = NULL;
	if (!*c->api_tls_cert != !*c->api_tls_key) {
		log_error("api.tls_cert and api.tls_key: one is set without "
			  "the other");
		return E_INVALID;
	}
	if (!*c->api_tls_cert)
		return E_OK;
	if (!(made = calloc(1, sizeof(*made))))
		return E_NOMEM;
	if ((e = make(&made->ctx, c))) {
		free(made);
		return e;
	}
	*t = made;
	return E_OK;
}

enum err tls_reload(struct tls *t, const struct conf *c)
{
	SSL_CTX *fresh;
	enum err e = make(&fresh, c);

	if (e)
		return e;
	/* Open connections hold references of their own. */
	SSL_CTX_free(t->ctx);
	t->ctx = fresh;
	return E_OK;
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

/* ---- a connection ---- */

struct ssl_st *tls_begin(struct tls *t, int fd)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl && SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ssl = NULL;
	}
	if (ssl)
		SSL_set_accept_state(ssl);
	ERR_clear_error();
	return ssl;
}

void tls_end(struct ssl_st *ssl)
{
	SSL_shutdown(ssl);
	ERR_clear_error();
}

void tls_free(struct ssl_st *ssl)
{
	SSL_free(ssl);
}

enum tls_step tls_handshake(struct ssl_st *ssl)
{
	unsigned char first;
	int k;

	if (SSL_in_before(ssl) &&
		recv(SSL_get_fd(ssl), &first, 1, MSG_PEEK) == 1 &&
		first != TLS_HANDSHAKE_BYTE)
		return first >= 'A' && first <= 'Z' ? TLS_PLAIN : TLS_FAILED;
	ERR_clear_error();
	k = SSL_accept(ssl);
	if (k == 1)
		return TLS_DONE;
	switch (SSL_get_error(ssl, k)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	default:
		ERR_clear_error();
		return TLS_FAILED;
	}
}

/* What a call that took nothing means, to who expects errno.  It wants to go
 * the other way only where a client asks for new keys and takes no answer. */
static ssize_t failed(SSL *ssl, int k, int wanted)
{
	int e = SSL_get_error(ssl, k);

	ERR_clear_error();
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = e == wanted ? EAGAIN : EIO;
	return -1;
}

ssize_t tls_recv(struct ssl_st *ssl, void *buf, size_t n)
{
	size_t got;
	int k;

	ERR_clear_error();
	k = SSL_read_ex(ssl, buf, n, &got);
	return k == 1 ? (ssize_t)got : failed(ssl, k, SSL_ERROR_WANT_READ);
}

/* The next record's bytes; a head and what follows it share one.  The same
 * for the same rest, as OpenSSL wants it when it is called again. */
static struct slice next_record(
	const struct iovec v[2], size_t done, char record[RECORD_MAX])
{
	size_t head = done < v[0].iov_len ? v[0].iov_len - done : 0;
	size_t at = done - (v[0].iov_len - head), body = v[1].iov_len - at;
	const char *head_at = head ? (const char *)v[0].iov_base + done : NULL;
	const char *body_at = body ? (const char *)v[1].iov_base + at : NULL;

	if (head >= RECORD_MAX)
		return (struct slice){head_at, RECORD_MAX};
	if (!head || !body)
		return head ? (struct slice){head_at, head}
			    : (struct slice){body_at,
				      body < RECORD_MAX ? body : RECORD_MAX};
	if (body > RECORD_MAX - head)
		body = RECORD_MAX - head;
	memcpy(record, head_at, head);
	memcpy(record + head, body_at, body);
	return (struct slice){record, head + body};
}

ssize_t tls_send(struct ssl_st *ssl, const struct iovec v[2])
{
	size_t all = v[0].iov_len + v[1].iov_len, done = 0, n;
	char record[RECORD_MAX];

	ERR_clear_error();
	while (done < all) {
		struct slice s = next_record(v, done, record);
		int k = SSL_write_ex(ssl, s.at, s.n, &n);

		if (k != 1) {
			if (!failed(ssl, k, SSL_ERROR_WANT_WRITE))
				errno = EIO;
			return done && errno == EAGAIN ? (ssize_t)done : -1;
		}
		done += n;
	}
	return (ssize_t)done;
}

bool tls_pending(const struct ssl_st *ssl)
{
	return SSL_pending(ssl) > 0;
}
