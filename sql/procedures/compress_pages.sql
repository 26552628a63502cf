-- SPDX-License-Identifier: MIT
-- compress_pages: page compression on or off for what grows: the partitions of
-- count_record and detection_record, and the statistics with the most rows.  Only what has fewer bytes
-- than p_most is written anew; the rest stays as it is, and new partitions
-- follow pmax (make_partitions).  The comment says which partitions are compressed:
-- a procedure cannot see their options.
CREATE OR REPLACE PROCEDURE compress_pages(p_on BOOLEAN, p_most BIGINT)
MODIFIES SQL DATA
BEGIN
	DECLARE v_option VARCHAR(64) DEFAULT partition_option(p_on);

	FOR p IN (SELECT table_name, partition_name, partition_description
		  FROM information_schema.partitions
		  WHERE table_schema = DATABASE()
		    AND table_name IN ('count_record', 'detection_record')
		    AND data_length < p_most
		    AND (partition_comment = 'page_compressed') <> p_on)
	DO
		EXECUTE IMMEDIATE CONCAT(
			'ALTER TABLE ', p.table_name,
			' WAIT 5 REORGANIZE PARTITION ', p.partition_name, ' INTO (PARTITION ',
			p.partition_name, ' VALUES LESS THAN (',
			p.partition_description, ')',
			v_option, ')');
	END FOR;
	FOR t IN (SELECT table_name
		  FROM information_schema.tables
		  WHERE table_schema = DATABASE()
		    AND table_name IN ('stats_quarter', 'stats_hour',
				       'stats_profile_month')
		    AND data_length < p_most
		    AND (create_options RLIKE 'page_compressed.?=.?1') <> p_on)
	DO
		EXECUTE IMMEDIATE CONCAT('ALTER TABLE ', t.table_name,
			' WAIT 5 PAGE_COMPRESSED = ', IF(p_on, 1, 0));
	END FOR;
END
