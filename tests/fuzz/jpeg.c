// SPDX-License-Identifier: MIT
/*
 * What passes for a JPEG has a size, begins and ends as one does, and is none
 * without its last byte or its first.
 */
#include "api/jpeg.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = fuzz_copy(data, n);
	struct jpeg_size s, again;

	if (!jpeg_fault(copy, n, &s)) {
		HOLD(s.w && s.w < 65536 && s.h && s.h < 65536);
		HOLD(data[0] == 0xff && data[1] == 0xd8);
		HOLD(data[n - 2] == 0xff && data[n - 1] == 0xd9);
		HOLD(memmem(copy, n, "\xff\xda", 2));
		HOLD(jpeg_fault(copy, n - 1, &again));
		HOLD(jpeg_fault(copy + 1, n - 1, &again));
	}
	free(copy);
	return 0;
}
