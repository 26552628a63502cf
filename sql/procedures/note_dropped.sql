-- SPDX-License-Identifier: MIT
-- note_dropped: an administrator may drop the oldest partitions by hand: rows
-- are kept from the lowest one on, and what was counted before it stays.
-- Quarter hours marked before those that are kept, with a day to spare for the
-- hours across the bound, have nothing left to be counted from, and their marks
-- go.  A step of roll_up, with its lock.
CREATE OR REPLACE PROCEDURE note_dropped()
MODIFIES SQL DATA
BEGIN
	DECLARE v_raw, v_quarter DATETIME;

	SELECT raw_from(), kept_from('quarter') INTO v_raw, v_quarter;
	IF v_raw > kept_from('raw') THEN
		CALL keep_from('raw', v_raw);
	END IF;
	IF v_quarter > '1000-01-01' THEN
		DELETE FROM dirty_quarter
		WHERE start_at < v_quarter + INTERVAL 1 DAY;
		DELETE FROM claimed_quarter
		WHERE start_at < v_quarter + INTERVAL 1 DAY;
	END IF;
END
