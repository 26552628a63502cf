-- SPDX-License-Identifier: MIT
-- note_failures: of rows as judge_rows takes them, that the rule failed.
CREATE OR REPLACE PROCEDURE note_failures(
	p_rows LONGTEXT, p_errno INT, p_text TEXT)
MODIFIES SQL DATA
BEGIN
	FOR r IN (SELECT * FROM JSON_TABLE(p_rows, '$[*]' COLUMNS (
			camera_id INT UNSIGNED PATH '$[0]',
			start_at DATETIME PATH '$[1]')) n)
	DO
		CALL note_failure(r.camera_id, r.start_at, p_errno, p_text);
	END FOR;
END
