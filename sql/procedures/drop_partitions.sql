-- SPDX-License-Identifier: MIT
-- drop_partitions: lets the monthly partitions of a table go that lie wholly
-- before p_from, on whose rows nothing else stands; p_dropped is their names, NULL
-- for none.  Who is in the way for 2 s makes this fail.  The table is the caller's
-- own word, no one's input.
CREATE OR REPLACE PROCEDURE drop_partitions(
	p_table VARCHAR(64), p_from DATETIME, OUT p_dropped TEXT)
MODIFIES SQL DATA
BEGIN
	SELECT GROUP_CONCAT(partition_name ORDER BY partition_name
			    SEPARATOR ', ')
	INTO p_dropped
	FROM information_schema.partitions
	WHERE table_schema = DATABASE() AND table_name = p_table
	  AND partition_name <> 'pmax'
	  AND IF(partition_name = 'pmax', NULL,
		 CAST(TRIM('''' FROM partition_description) AS DATETIME))
		<= p_from;
	IF p_dropped IS NOT NULL THEN
		EXECUTE IMMEDIATE CONCAT('ALTER TABLE ', p_table,
			' WAIT 2 DROP PARTITION ', p_dropped);
	END IF;
END
