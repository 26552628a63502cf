// SPDX-License-Identifier: MIT
/*
 * The one Check runner.  CK_RUN_SUITE=common/when runs one suite.
 */
#include <check.h>
#include <stdlib.h>

#include "common/token.h"

#define SUITE(name) Suite *name(void);
#include "suites.def"
#undef SUITE

int main(void)
{
	SRunner *r;
	int failed;

	/* Four seconds are few on a machine that has other things to do. */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	r = srunner_create(NULL);
	if (token_start())
		return EXIT_FAILURE;
#define SUITE(name) srunner_add_suite(r, name());
#include "suites.def"
#undef SUITE
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
