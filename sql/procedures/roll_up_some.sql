-- SPDX-License-Identifier: MIT
-- roll_up_some: rolls up for about budget_s seconds, for a caller that shows
-- how it goes on and calls again: the references are not computed.  Returns one
-- row: rows_n and buckets of this call, and how many marks are left.  Where
-- another roll-up is at work all that time, this only waits.
CREATE OR REPLACE PROCEDURE roll_up_some(p_budget_s INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_start DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
	DECLARE v_rows BIGINT UNSIGNED DEFAULT 0;
	DECLARE v_quarters, v_buckets INT UNSIGNED DEFAULT 0;
	DECLARE v_drained BOOLEAN;
	DECLARE v_errno INT;
	DECLARE v_text TEXT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		ROLLBACK;
		CALL end_run('roll_up_now', 'request', v_start, v_rows,
			     v_quarters, v_buckets, 0, v_errno, v_text);
		DO RELEASE_LOCK(roll_up_lock());
		RESIGNAL;
	END;

	IF COALESCE(GET_LOCK(roll_up_lock(), p_budget_s), 0) = 1 THEN
		CALL roll_up(10000, p_budget_s, v_rows, v_quarters, v_buckets,
			     v_drained);
		IF v_quarters > 0 THEN
			CALL end_run('roll_up_now', 'request', v_start, v_rows,
				     v_quarters, v_buckets, 0, NULL, NULL);
		END IF;
		DO RELEASE_LOCK(roll_up_lock());
	END IF;
	SELECT v_rows AS rows_n, v_buckets AS buckets,
	       (SELECT COUNT(*) FROM dirty_quarter)
	       + (SELECT COUNT(*) FROM claimed_quarter) AS left_n;
END
