-- SPDX-License-Identifier: MIT
-- make_partitions: the monthly partitions of the tables that grow by the row.
-- Of detection_record few are there that lie in the past: what it holds is kept
-- for weeks.
CREATE OR REPLACE PROCEDURE make_partitions()
MODIFIES SQL DATA
BEGIN
	DECLARE v_to DATE;

	CALL make_partitions_of('detection_record', 1, v_to);
	CALL make_partitions_of('count_record', 24, v_to);
	UPDATE job_state SET partitions_to = v_to WHERE job = 'minute';
END
