-- SPDX-License-Identifier: MIT
-- partition_option: what a partition's definition says of page compression.
CREATE OR REPLACE FUNCTION partition_option(p_on BOOLEAN) RETURNS VARCHAR(64)
NO SQL
RETURN IF(p_on, ' COMMENT = ''page_compressed'' PAGE_COMPRESSED = 1', '')
