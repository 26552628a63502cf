-- SPDX-License-Identifier: MIT
-- roll_up: brings every level up to date with the marks, batch by batch, until
-- no free mark is left (drained) or budget_s is over.  The caller holds
-- roll_up_lock() and no transaction.
-- The newest marks are claimed first, ten batches at a time, and counted camera
-- by camera: a month of a long backlog is then summed a few times instead of
-- once a day, and new marks wait for ten batches at most.
CREATE OR REPLACE PROCEDURE roll_up(p_batch INT, p_budget_s INT,
	OUT p_rows BIGINT UNSIGNED, OUT p_quarters INT UNSIGNED,
	OUT p_buckets INT UNSIGNED, OUT p_drained BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_end DATETIME(3) DEFAULT
		UTC_TIMESTAMP(3) + INTERVAL p_budget_s SECOND;
	DECLARE v_rows BIGINT UNSIGNED;
	DECLARE v_taken, v_quarters, v_buckets INT UNSIGNED;
	DECLARE v_old, v_left, v_over BOOLEAN DEFAULT FALSE;

	IF NOT COALESCE(IS_USED_LOCK(roll_up_lock()) = CONNECTION_ID(), FALSE)
	THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'roll_up without its lock: call roll_up_now';
	END IF;
	CALL note_dropped();
	SET p_rows = 0, p_quarters = 0, p_buckets = 0, p_drained = FALSE;
	REPEAT
		-- What an earlier run left is not all there is.
		SELECT EXISTS (SELECT 1 FROM claimed_quarter) INTO v_old;
		CALL roll_up_claim(10 * p_batch, v_taken);
		SET p_drained = v_taken < 10 * p_batch AND NOT v_old;
		IF v_taken > 0 AND p_quarters = 0 THEN
			CALL make_work_tables();
		END IF;
		SET v_left = v_taken > 0;
		WHILE v_left AND NOT v_over DO
			CALL roll_up_claimed(p_batch, v_rows, v_quarters,
					     v_buckets);
			SET p_rows = p_rows + v_rows,
			    p_quarters = p_quarters + v_quarters,
			    p_buckets = p_buckets + v_buckets,
			    v_left = v_quarters = p_batch,
			    v_over = UTC_TIMESTAMP(3) >= v_end;
		END WHILE;
		SET p_drained = p_drained AND NOT v_left;
	UNTIL p_drained OR v_over END REPEAT;
END
