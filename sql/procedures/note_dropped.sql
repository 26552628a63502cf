-- SPDX-License-Identifier: MIT
-- note_dropped: an administrator may drop the oldest partitions by hand.  The
-- lowest one then is a month's (p2026_03), and raw rows are kept from it on:
-- what was counted before it stays.  Quarter hours marked before the bounds,
-- with a day to spare for the hours across it, have nothing left to be counted
-- from, and their marks go.  A step of roll_up, with its lock.
CREATE OR REPLACE PROCEDURE note_dropped()
MODIFIES SQL DATA
BEGIN
	DECLARE v_month DATE;
	DECLARE v_from DATETIME;

	SELECT STR_TO_DATE(CONCAT(partition_name, '_01'), 'p%Y_%m_%d')
	INTO v_month
	FROM information_schema.partitions
	WHERE table_schema = DATABASE() AND table_name = 'count_record'
	  AND partition_ordinal_position = 1
	  AND partition_name RLIKE '^p[0-9]{4}_[0-9]{2}$';
	SELECT kept_from('raw') INTO v_from;
	IF v_month > v_from THEN
		SET STATEMENT innodb_lock_wait_timeout = 2 FOR
		UPDATE retention SET kept_from = v_month WHERE level = 'raw';
	END IF;
	SELECT kept_from('quarter') INTO v_from;
	IF v_from > '1000-01-01' THEN
		DELETE FROM dirty_quarter
		WHERE start_at < v_from + INTERVAL 1 DAY;
		DELETE FROM claimed_quarter
		WHERE start_at < v_from + INTERVAL 1 DAY;
	END IF;
END
