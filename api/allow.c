// SPDX-License-Identifier: MIT
#include "api/allow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { MAPPED_BITS = 96, WORD_MAX = 64 };

/* An address as one of IPv6, whatever it is; bits of it that count. */
struct network {
	unsigned char at[16];
	int bits;
};

static bool read_address(const char *s, struct network *net)
{
	static const unsigned char mapped[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	net->bits = 128;
	if (inet_pton(AF_INET6, s, net->at) == 1)
		return true;
	memcpy(net->at, mapped, sizeof(mapped));
	return inet_pton(AF_INET, s, net->at + sizeof(mapped)) == 1;
}

/* "10.0.0.0/8" */
static bool read_network(struct slice word, struct network *net)
{
	char text[WORD_MAX], *slash, *end;
	int first;
	long bits;

	if (word.n >= sizeof(text))
		return false;
	memcpy(text, word.at, word.n);
	text[word.n] = '\0';
	if ((slash = strchr(text, '/')))
		*slash = '\0';
	if (!read_address(text, net))
		return false;
	if (!slash)
		return true;
	first = strchr(text, ':') ? 0 : MAPPED_BITS;
	bits = strtol(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end || bits > 128 - first)
		return false;
	net->bits = first + (int)bits;
	return true;
}

static bool holds(const struct network *net, const unsigned char at[16])
{
	int bytes = net->bits / 8, rest = net->bits % 8;

	if (memcmp(net->at, at, (size_t)bytes))
		return false;
	return !rest || !((net->at[bytes] ^ at[bytes]) >> (8 - rest));
}

/* The next word of the list; n is 0 at its end. */
static struct slice next_word(const char **list)
{
	const char *at = *list + strspn(*list, " \t");
	size_t n = strcspn(at, " \t");

	*list = at + n;
	return (struct slice){at, n};
}

bool allow_has(const char *list, const char *addr)
{
	struct network of, net;
	struct slice word;

	if (!read_address(addr, &of))
		return false;
	while ((word = next_word(&list)).n)
		if (read_network(word, &net) && holds(&net, of.at))
			return true;
	return false;
}

struct slice allow_fault(const char *list)
{
	struct network net;
	struct slice word;

	while ((word = next_word(&list)).n)
		if (!read_network(word, &net))
			return word;
	return word;
}
