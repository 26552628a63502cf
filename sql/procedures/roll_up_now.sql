-- SPDX-License-Identifier: MIT
-- roll_up_now: every row stored before the call is in every level when it
-- returns, and all references are computed anew.  Waits for a running roll-up,
-- and for marks that other writers' open transactions hold; after wait_s
-- seconds it fails with one sentence.  Returns one row: rows_n, buckets, ms.
-- A mark's marked_at is the time of its first row, so what was stored before
-- the call is there, or was counted.
CREATE OR REPLACE PROCEDURE roll_up_now(p_wait_s INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_start DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
	DECLARE v_end DATETIME(3) DEFAULT v_start + INTERVAL p_wait_s SECOND;
	DECLARE v_rows, v_rows_all BIGINT UNSIGNED DEFAULT 0;
	DECLARE v_quarters, v_buckets, v_quarters_all, v_buckets_all,
		v_cameras INT UNSIGNED DEFAULT 0;
	DECLARE v_drained, v_done, v_left BOOLEAN DEFAULT FALSE;
	DECLARE v_errno INT;
	DECLARE v_text TEXT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		ROLLBACK;
		CALL end_run('roll_up_now', 'request', v_start, v_rows_all,
			     v_quarters_all, v_buckets_all, v_cameras,
			     v_errno, v_text);
		DO RELEASE_LOCK(roll_up_lock());
		RESIGNAL;
	END;

	UPDATE job_state SET run_at = v_start, runner = 'request'
	WHERE job = 'roll_up_now';
	IF COALESCE(GET_LOCK(roll_up_lock(), p_wait_s), 0) <> 1 THEN
		SET v_text = CONCAT('another roll-up is still running after ',
				    p_wait_s, ' s');
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	REPEAT
		CALL roll_up(10000, GREATEST(0,
			TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), v_end)),
			v_rows, v_quarters, v_buckets, v_drained);
		SET v_rows_all = v_rows_all + v_rows,
		    v_quarters_all = v_quarters_all + v_quarters,
		    v_buckets_all = v_buckets_all + v_buckets;
		-- SELECT ... INTO and not SET: SET would wait for locked marks.
		SELECT NOT v_drained OR EXISTS (SELECT 1 FROM dirty_quarter
						WHERE marked_at <= v_start)
		INTO v_left;
		IF v_left AND UTC_TIMESTAMP(3) >= v_end THEN
			SET v_text = CONCAT(
				'rows are still not counted after ', p_wait_s,
				' s: a transaction that writes the same quarter',
				' hours is open, or there are too many');
			SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
		END IF;
		IF v_left AND v_drained THEN
			DO SLEEP(0.02);
		END IF;
	UNTIL NOT v_left END REPEAT;
	CALL compute_references(TRUE, GREATEST(1,
		TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), v_end)),
		v_cameras, v_done);
	IF NOT v_done THEN
		SET v_text = CONCAT('not all references are computed after ',
			p_wait_s, ' s: a transaction that writes counts is ',
			'open, or there are too many cameras');
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	CALL end_run('roll_up_now', 'request', v_start, v_rows_all,
		     v_quarters_all, v_buckets_all, v_cameras, NULL, NULL);
	DO RELEASE_LOCK(roll_up_lock());
	SELECT v_rows_all AS rows_n, v_buckets_all AS buckets,
	       TIMESTAMPDIFF(MICROSECOND, v_start, UTC_TIMESTAMP(3)) DIV 1000
		AS ms;
END
