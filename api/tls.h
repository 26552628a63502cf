// SPDX-License-Identifier: MIT
/*
 * tls: HTTPS, by OpenSSL on a connection's own socket: the calls below stand in
 * for recv(2) and sendmsg(2) and never wait.  TLS 1.2 or later, ciphers that
 * authenticate and keep past traffic secret, no renegotiation, HTTP/1.1 alone
 * in ALPN.  Loop thread only.
 */
#ifndef TALLY_API_TLS_H
#define TALLY_API_TLS_H

#include <sys/types.h>
#include <sys/uio.h>

#include "common/base.h"

struct conf;
struct ssl_st; /* OpenSSL's SSL: one connection */
struct tls;

/* *t is NULL without api.tls_cert.  E_INVALID after a line that names setting
 * and file, E_NOMEM. */
MUST enum err tls_open(struct tls **t, const struct conf *c);
/* Reads both files again, for connections to come; those that are open keep
 * what they began with.  A pair that is no good changes nothing: E_INVALID
 * after a line. */
MUST enum err tls_reload(struct tls *t, const struct conf *c);
void tls_close(struct tls *t);

/* A connection's beginning; NULL where memory is short. */
struct ssl_st *tls_begin(struct tls *t, int fd);
/* Tells the client that no more comes; does not wait for it. */
void tls_end(struct ssl_st *ssl);
void tls_free(struct ssl_st *ssl);

enum tls_step {
	TLS_DONE,
	TLS_WANTS_READ,
	TLS_WANTS_WRITE,
	TLS_PLAIN, /* the client speaks HTTP; nothing was read of it */
	TLS_FAILED
};
enum tls_step tls_handshake(struct ssl_st *ssl);

/* As recv and sendmsg: bytes, 0 at the end (recv), or -1 with errno EAGAIN
 * or EIO.  After EAGAIN the same bytes must be sent again, from whatever
 * place. */
ssize_t tls_recv(struct ssl_st *ssl, void *buf, size_t n);
ssize_t tls_send(struct ssl_st *ssl, const struct iovec v[2]);
/* Bytes that were read from the socket and that tls_recv gives: the socket
 * will not tell of them. */
bool tls_pending(const struct ssl_st *ssl);

#endif
