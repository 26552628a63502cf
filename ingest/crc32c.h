// SPDX-License-Identifier: MIT
/*
 * crc32c: the Castagnoli checksum (RFC 3720, appendix B.4), bytewise by a
 * table.  Pure; thread-safe.
 */
#ifndef TALLY_INGEST_CRC32C_H
#define TALLY_INGEST_CRC32C_H

#include "common/base.h"

/* Of n bytes more; crc is 0 at first, then the last result. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
