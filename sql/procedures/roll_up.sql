-- SPDX-License-Identifier: MIT
-- roll_up: brings every level up to date with the marks, batch by batch, until
-- no free mark is left (drained) or budget_s is over.  The caller holds
-- roll_up_lock() and no transaction.
CREATE OR REPLACE PROCEDURE roll_up(p_batch INT, p_budget_s INT,
	OUT p_rows BIGINT UNSIGNED, OUT p_quarters INT UNSIGNED,
	OUT p_buckets INT UNSIGNED, OUT p_drained BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_end DATETIME(3) DEFAULT
		UTC_TIMESTAMP(3) + INTERVAL p_budget_s SECOND;
	DECLARE v_rows BIGINT UNSIGNED;
	DECLARE v_claimed, v_buckets INT UNSIGNED;

	IF NOT COALESCE(IS_USED_LOCK(roll_up_lock()) = CONNECTION_ID(), FALSE)
	THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'roll_up without its lock: call roll_up_now';
	END IF;
	CALL note_dropped();
	SET p_rows = 0, p_quarters = 0, p_buckets = 0, p_drained = FALSE;
	batches: LOOP
		CALL roll_up_claim(p_batch, v_claimed);
		IF v_claimed > 0 THEN
			IF p_quarters = 0 THEN
				CALL make_work_tables();
			END IF;
			CALL roll_up_claimed(v_rows, v_buckets);
			SET p_rows = p_rows + v_rows,
			    p_quarters = p_quarters + v_claimed,
			    p_buckets = p_buckets + v_buckets;
		END IF;
		IF v_claimed < p_batch THEN
			SET p_drained = TRUE;
			LEAVE batches;
		END IF;
		IF UTC_TIMESTAMP(3) >= v_end THEN
			LEAVE batches;
		END IF;
	END LOOP;
END
