// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "api/proxy.h"
#include "common/conf.h"

/* What a request with these header lines ("a: b\n…") from 10.0.0.1 is taken
 * for, where 10.0.0.0/8 and 2001:db8::1 are trusted. */
static struct proxy_client ask(const char *header, const char *lines)
{
	struct conf c = {.api_trusted_proxies = "10.0.0.0/8 2001:db8::1",
		.api_proxy_header = header};
	struct proxy_client client = {.addr = "10.0.0.1"};
	struct http_head h = {.headers_n = 0};

	while (*lines) {
		struct http_header *f = &h.header[h.headers_n++];
		size_t n = strcspn(lines, "\n"), name = strcspn(lines, ":");

		f->name = (struct slice){lines, name};
		f->value = (struct slice){lines + name + 2, n - name - 2};
		lines += n + 1;
	}
	proxy_client(&c, &h, &client);
	return client;
}

static void is(const char *lines, const char *addr, bool https)
{
	struct proxy_client got = ask("X-Forwarded-For", lines);

	ck_assert_msg(!strcmp(got.addr, addr) && got.https == https,
		"%s: %s %d", lines, got.addr, got.https);
}

static void rfc_is(const char *lines, const char *addr, bool https)
{
	struct proxy_client got = ask("forwarded", lines);

	ck_assert_msg(!strcmp(got.addr, addr) && got.https == https,
		"%s: %s %d", lines, got.addr, got.https);
}

START_TEST(the_rightmost_that_is_not_trusted_counts)
{
	is("", "10.0.0.1", false);
	is("X-Forwarded-For: 192.0.2.1\n", "192.0.2.1", false);
	is("x-forwarded-for: 192.0.2.1:4711\nX-Forwarded-Proto: https\n",
		"192.0.2.1", true);
	is("X-Forwarded-For: 198.51.100.1, 192.0.2.1\n", "192.0.2.1", false);
	is("X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.1.1.1,10.2.2.2\n",
		"192.0.2.1", false);
	is("X-Forwarded-For: 198.51.100.1\nOther: 1\n"
	   "X-Forwarded-For: 192.0.2.1 , 2001:DB8:0::1\n",
		"192.0.2.1", false);
	is("X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 10.9.9.9\n",
		"192.0.2.1", false);
	is("X-Forwarded-For: 10.3.3.3, 10.2.2.2\n", "10.3.3.3", false);
	is("X-Forwarded-For: 2001:db8::0:2\n", "2001:db8::2", false);
	is("X-Forwarded-For: [2001:db8::2]:80\n", "2001:db8::2", false);
	is("X-Forwarded-Proto: https, http\n", "10.0.0.1", false);
}
END_TEST

START_TEST(what_is_no_address_ends_the_list)
{
	is("X-Forwarded-For: \n", "10.0.0.1", false);
	is("X-Forwarded-For: 192.0.2.1, \n", "10.0.0.1", false);
	is("X-Forwarded-For: 192.0.2.1, unknown, 10.2.2.2\n", "10.2.2.2",
		false);
	is("X-Forwarded-For: 192.0.2.1, 1.2.3.4.5.6\n", "10.0.0.1", false);
	is("X-Forwarded-For: [\n", "10.0.0.1", false);
	is("X-Forwarded-For: :\n", "10.0.0.1", false);
	is("X-Forwarded-For: 2001:db8:1111:2222:3333:4444:5555:6666:7777:888"
	   "8\n",
		"10.0.0.1", false);
	/* The other header is not looked at. */
	is("Forwarded: for=192.0.2.1;proto=https\n", "10.0.0.1", false);
	rfc_is("X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\n",
		"10.0.0.1", false);
}
END_TEST

START_TEST(forwarded_is_read_as_its_rfc_says)
{
	rfc_is("Forwarded: for=192.0.2.1\n", "192.0.2.1", false);
	rfc_is("Forwarded: by=10.0.0.1; For=\"192.0.2.1:80\" ;proto=HTTPS\n",
		"192.0.2.1", true);
	rfc_is("forwarded: for=198.51.100.1, for=192.0.2.1, "
	       "for=\"[2001:db8::1]:443\";proto=https\n",
		"192.0.2.1", true);
	rfc_is("Forwarded: for=198.51.100.1;proto=https, for=192.0.2.1\n",
		"192.0.2.1", false);
	rfc_is("Forwarded: for=_hidden\n", "10.0.0.1", false);
	rfc_is("Forwarded: proto=https\n", "10.0.0.1", true);
	/* A quote that the client opened takes in nothing of what follows. */
	rfc_is("Forwarded: for=\"198.51.100.1, for=192.0.2.1\n", "192.0.2.1",
		false);
	rfc_is("Forwarded: for=\"\n", "10.0.0.1", false);
	rfc_is("Forwarded: =;=;for=;for\n", "10.0.0.1", false);
}
END_TEST

START_TEST(who_is_not_trusted_says_nothing)
{
	struct conf c = {.api_trusted_proxies = "10.0.0.0/8",
		.api_proxy_header = "X-Forwarded-For"};
	struct http_head h = {.headers_n = 2};
	struct proxy_client client = {.addr = "192.0.2.9"};

	h.header[0].name = (struct slice){"X-Forwarded-For", 15};
	h.header[0].value = (struct slice){"198.51.100.1", 12};
	h.header[1].name = (struct slice){"X-Forwarded-Proto", 17};
	h.header[1].value = (struct slice){"https", 5};
	proxy_client(&c, &h, &client);
	ck_assert_str_eq(client.addr, "192.0.2.9");
	ck_assert(!client.https);
	/* As a socket of IPv6 shows an address of IPv4. */
	strcpy(client.addr, "::ffff:10.0.0.7");
	proxy_client(&c, &h, &client);
	ck_assert_str_eq(client.addr, "198.51.100.1");
	ck_assert(client.https);
}
END_TEST

Suite *test_api_proxy(void);
Suite *test_api_proxy(void)
{
	Suite *s = suite_create("api/proxy");
	TCase *t = tcase_create("proxy");

	tcase_add_test(t, the_rightmost_that_is_not_trusted_counts);
	tcase_add_test(t, what_is_no_address_ends_the_list);
	tcase_add_test(t, forwarded_is_read_as_its_rfc_says);
	tcase_add_test(t, who_is_not_trusted_says_nothing);
	suite_add_tcase(s, t);
	return s;
}
