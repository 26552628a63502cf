-- SPDX-License-Identifier: MIT
-- end_run: how a run ended, in job_run and job_state; p_errno is NULL for ok.
CREATE OR REPLACE PROCEDURE end_run(
	p_job VARCHAR(40), p_runner VARCHAR(8), p_start DATETIME(3),
	p_rows BIGINT UNSIGNED, p_quarters INT UNSIGNED,
	p_buckets INT UNSIGNED, p_cameras INT UNSIGNED,
	p_errno INT, p_text TEXT)
MODIFIES SQL DATA
BEGIN
	INSERT INTO job_run
		(job, runner, started_at, ended_at, state, rows_n, quarters,
		 buckets, reference_cameras, error_no, message)
	VALUES (p_job, p_runner, p_start, UTC_TIMESTAMP(3),
		IF(p_errno IS NULL, 'ok', 'failed'), COALESCE(p_rows, 0),
		COALESCE(p_quarters, 0), COALESCE(p_buckets, 0),
		COALESCE(p_cameras, 0), p_errno, LEFT(p_text, 500));
	IF p_errno IS NULL THEN
		UPDATE job_state SET ok_at = UTC_TIMESTAMP(3)
		WHERE job = p_job;
	ELSE
		UPDATE job_state
		SET error_at = UTC_TIMESTAMP(3), error = LEFT(p_text, 500)
		WHERE job = p_job;
	END IF;
END
