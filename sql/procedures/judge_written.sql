-- SPDX-License-Identifier: MIT
-- judge_written: for the triggers of count_record: refuses a row that cannot be
-- counted, and has the outlier rule hold for it.  p_rows: it, as judge_rows takes
-- it.
CREATE OR REPLACE PROCEDURE judge_written(
	p_camera_id INT UNSIGNED, p_start_at DATETIME, p_rows TEXT,
	p_new BOOLEAN)
MODIFIES SQL DATA
BEGIN
	CALL refuse_unkept(p_start_at);
	CALL refuse_unknown(p_camera_id, p_start_at);
	CALL judge_rows(p_rows, p_new);
END
