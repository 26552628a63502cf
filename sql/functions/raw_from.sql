-- SPDX-License-Identifier: MIT
-- raw_from: from when on there are raw rows: where the lowest partition of
-- count_record is a month's (p2026_03), what was before it is dropped.
CREATE OR REPLACE FUNCTION raw_from() RETURNS DATETIME
READS SQL DATA
RETURN COALESCE((
	SELECT STR_TO_DATE(CONCAT(partition_name, '_01'), 'p%Y_%m_%d')
	FROM information_schema.partitions
	WHERE table_schema = DATABASE() AND table_name = 'count_record'
	  AND partition_ordinal_position = 1
	  AND partition_name RLIKE '^p[0-9]{4}_[0-9]{2}$'), '1000-01-01')
