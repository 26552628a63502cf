-- SPDX-License-Identifier: MIT
-- keep_raw: lets the monthly partitions of count_record go that lie wholly
-- before p_from; p_dropped is their names, NULL for none.  What was counted of
-- their rows stays.
--
-- The order matters.  First the bound moves, which waits for the transactions
-- of all writers and keeps later ones out (refuse_unkept).  Rows before it go
-- only when all of them are counted: until then p_done is FALSE, and the next
-- roll-up counts them.  Who is in the way for 2 s makes this fail; to call it
-- again does the rest.  The caller holds roll_up_lock() and no transaction.
CREATE OR REPLACE PROCEDURE keep_raw(p_from DATETIME, OUT p_dropped TEXT,
				     OUT p_done BOOLEAN)
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
	SET p_done = TRUE;
	IF v_from IS NOT NULL THEN
		CALL keep_from('raw', v_from);
		SELECT NOT EXISTS (SELECT 1 FROM dirty_quarter
				   WHERE start_at < v_from)
		       AND NOT EXISTS (SELECT 1 FROM claimed_quarter
				       WHERE start_at < v_from)
		INTO p_done;
		IF p_done THEN
			EXECUTE IMMEDIATE CONCAT(
				'ALTER TABLE count_record WAIT 2 ',
				'DROP PARTITION ', p_dropped);
		ELSE
			SET p_dropped = NULL;
		END IF;
	END IF;
END
