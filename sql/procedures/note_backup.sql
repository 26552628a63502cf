-- SPDX-License-Identifier: MIT
-- note_backup: how a backup ended, in job_run, job_state and backup_state;
-- p_error is NULL for a good one.  p_start: seconds since 1970.
CREATE OR REPLACE PROCEDURE note_backup(
	p_runner VARCHAR(8), p_start BIGINT, p_taken BIGINT, p_file VARCHAR(255),
	p_bytes BIGINT UNSIGNED, p_tables INT UNSIGNED, p_rows BIGINT UNSIGNED,
	p_error TEXT)
MODIFIES SQL DATA
BEGIN
	DECLARE v_start DATETIME(3) DEFAULT '1970-01-01' + INTERVAL p_start SECOND;
	DECLARE v_taken DATETIME DEFAULT '1970-01-01' + INTERVAL p_taken SECOND;

	START TRANSACTION;
	INSERT INTO job_state (job, run_at, runner)
	VALUES ('backup', v_start, p_runner)
	ON DUPLICATE KEY UPDATE run_at = v_start, runner = p_runner;
	CALL end_run('backup', p_runner, v_start, p_rows, 0, 0, 0,
		     IF(p_error IS NULL, NULL, 0), COALESCE(p_error, p_file));
	IF p_error IS NULL THEN
		INSERT INTO backup_state
			(only_row, taken_at, file, bytes, tables_n, rows_n)
		VALUES (1, v_taken, p_file, p_bytes, p_tables, p_rows)
		ON DUPLICATE KEY UPDATE
			taken_at = v_taken, file = p_file, bytes = p_bytes,
			tables_n = p_tables, rows_n = p_rows;
	END IF;
	COMMIT;
END
