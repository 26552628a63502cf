-- SPDX-License-Identifier: MIT
-- keep_raw: lets the monthly partitions of count_record go that lie wholly
-- before p_from; p_dropped is their names, NULL for none.  What was counted of
-- their rows stays.
--
-- The order matters.  First the bound moves, which waits for the transactions
-- of all writers and keeps later ones out (refuse_unkept); only then the rows
-- go.  Whatever is in the way for some seconds makes this fail; to call it
-- again does the rest.  The caller holds roll_up_lock() and no transaction.
CREATE OR REPLACE PROCEDURE keep_raw(p_from DATETIME, OUT p_dropped TEXT)
MODIFIES SQL DATA
BEGIN
	DECLARE v_from DATETIME;

	SELECT GROUP_CONCAT(partition_name ORDER BY edge SEPARATOR ', '),
	       MAX(edge)
	INTO p_dropped, v_from
	FROM (SELECT partition_name, CAST(TRIM('''' FROM partition_description)
					  AS DATETIME) AS edge
	      FROM information_schema.partitions
	      WHERE table_schema = DATABASE() AND table_name = 'count_record'
		AND partition_name <> 'pmax') p
	WHERE edge <= p_from;
	IF v_from IS NOT NULL THEN
		CALL keep_from('raw', v_from);
		EXECUTE IMMEDIATE CONCAT('ALTER TABLE count_record WAIT 2 ',
					 'DROP PARTITION ', p_dropped);
	END IF;
END
