// SPDX-License-Identifier: MIT
/*
 * Numbers as they are written: the shortest text that reads back the same, as
 * printf finds it.  Eight bytes are a double, then two whole numbers whose
 * quotient is one.
 */
#include <math.h>

#include "common/decimal.h"
#include "common/json.h"
#include "tests/fuzz/fuzz.h"

static void check(double v)
{
	char want[64], got[DECIMAL_TEXT];
	struct json *root;
	size_t n, at;

	if (!isfinite(v))
		return;
	n = decimal(got, v);
	HOLD(n < DECIMAL_TEXT && strlen(got) == n);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(want, sizeof(want), "%.*g", digits, v);
		if (strtod(want, NULL) == v)
			break;
	}
	HOLD(!strcmp(got, want));
	/* It is JSON, too. */
	if (json_parse(got, n, &root, &at))
		return;
	HOLD(json_type(root) == JSON_NUMBER && json_number(root) == v);
	json_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t part[2];
	double v;

	if (n < sizeof(v))
		return 0;
	memcpy(&v, data, sizeof(v));
	memcpy(part, data, sizeof(part));
	check(v);
	check(nextafter(v, 0));
	check((double)part[0]);
	if (part[1])
		check((double)part[0] / (double)part[1]);
	return 0;
}
