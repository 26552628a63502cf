-- SPDX-License-Identifier: MIT
-- make_partitions_of: the table has a partition for every month from p_back months
-- before its set-up to three months ahead, one for all that is older, and pmax
-- for what lies beyond; p_to is where they end.  Splitting pmax moves the rows it
-- holds; the new ones are page-compressed where pmax is (compress_pages).  Waits
-- 5 s at most for writers in long transactions, then fails; the next run tries
-- again.  The statement is put together from dates and the table's name, which is
-- the caller's own word: DDL takes no parameters.
CREATE OR REPLACE PROCEDURE make_partitions_of(
	p_table VARCHAR(64), p_back INT, OUT p_to DATE)
MODIFIES SQL DATA
BEGIN
	DECLARE v_month DATE;
	DECLARE v_end DATE DEFAULT
		DATE_FORMAT(UTC_DATE() + INTERVAL 4 MONTH, '%Y-%m-01');
	DECLARE v_list LONGTEXT DEFAULT '';
	DECLARE v_option VARCHAR(64) DEFAULT partition_option(
		(SELECT partition_comment = 'page_compressed'
		 FROM information_schema.partitions
		 WHERE table_schema = DATABASE()
		   AND table_name = p_table
		   AND partition_name = 'pmax'));

	SET v_month = (SELECT MAX(CAST(TRIM('''' FROM partition_description)
				       AS DATE))
		       FROM information_schema.partitions
		       WHERE table_schema = DATABASE()
			 AND table_name = p_table
			 AND partition_name <> 'pmax');
	IF v_month IS NULL THEN
		SET v_month = DATE_FORMAT(UTC_DATE() - INTERVAL p_back MONTH,
					  '%Y-%m-01');
		SET v_list = CONCAT('PARTITION p_first VALUES LESS THAN (''',
				    v_month, ''')', v_option, ', ');
	END IF;
	WHILE v_month < v_end DO
		SET v_list = CONCAT(v_list, 'PARTITION p',
				    DATE_FORMAT(v_month, '%Y_%m'),
				    ' VALUES LESS THAN (''',
				    v_month + INTERVAL 1 MONTH, ''')',
				    v_option, ', ');
		SET v_month = v_month + INTERVAL 1 MONTH;
	END WHILE;
	IF v_list <> '' THEN
		EXECUTE IMMEDIATE CONCAT(
			'ALTER TABLE ', p_table, ' WAIT 5 ',
			'REORGANIZE PARTITION pmax INTO (', v_list,
			'PARTITION pmax VALUES LESS THAN (MAXVALUE)',
			v_option, ')');
	END IF;
	SET p_to = v_month;
END
