-- SPDX-License-Identifier: MIT
-- run_minute: all scheduled work.  The event calls it every minute as 'event';
-- the worker calls it as 'worker' where no event has run for three periods.
-- Two at a time exclude each other: the second leaves at once.  Every step can
-- be run twice and late.  The day's first run (UTC) makes partitions ahead,
-- clears what is old and lets go what is not kept; references follow each
-- camera's own day.
-- A run that worked leaves a row in job_run, one that failed, too, and the
-- caller gets the error; an idle one only shows in job_state.
CREATE OR REPLACE PROCEDURE run_minute(p_runner VARCHAR(8))
MODIFIES SQL DATA
BEGIN
	DECLARE v_start DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
	DECLARE v_rows BIGINT UNSIGNED DEFAULT 0;
	DECLARE v_quarters, v_buckets, v_cameras INT UNSIGNED DEFAULT 0;
	DECLARE v_drained, v_done, v_daily BOOLEAN DEFAULT FALSE;
	DECLARE v_errno INT;
	DECLARE v_text TEXT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		ROLLBACK;
		CALL end_run('minute', p_runner, v_start, v_rows, v_quarters,
			     v_buckets, v_cameras, v_errno, v_text);
		DO RELEASE_LOCK(roll_up_lock());
		RESIGNAL;
	END;

	UPDATE job_state
	SET run_at = v_start, runner = p_runner,
	    event_at = IF(p_runner = 'event', v_start, event_at)
	WHERE job = 'minute';
	IF COALESCE(GET_LOCK(roll_up_lock(), 0), 0) = 1 THEN
		CALL roll_up(10000, 45, v_rows, v_quarters, v_buckets,
			     v_drained);
		CALL stream_number();
		IF v_drained THEN
			CALL compute_references(FALSE, 10, v_cameras, v_done);
		END IF;
		SELECT NOT daily_on <=> UTC_DATE() INTO v_daily
		FROM job_state WHERE job = 'minute';
		IF v_daily THEN
			CALL run_daily();
		END IF;
		IF v_drained THEN
			CALL retain(p_runner);
		END IF;
		IF v_quarters + v_cameras > 0 OR v_daily THEN
			CALL end_run('minute', p_runner, v_start, v_rows,
				     v_quarters, v_buckets, v_cameras,
				     NULL, NULL);
		ELSE
			UPDATE job_state SET ok_at = UTC_TIMESTAMP(3)
			WHERE job = 'minute';
		END IF;
		DO RELEASE_LOCK(roll_up_lock());
	END IF;
END
