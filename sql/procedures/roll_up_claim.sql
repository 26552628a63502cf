-- SPDX-License-Identifier: MIT
-- roll_up_claim: takes p_count marks, the newest first, out of dirty_quarter, or
-- all there are where p_taken is less.  What an earlier run claimed and did not
-- finish goes first: nothing is taken then.
--
-- No row is missed: its writer sets the mark in the transaction of the row.  A
-- mark that is new or was met again by a transaction under way is locked, so
-- SKIP LOCKED leaves it; a mark free to be claimed belongs to rows committed
-- before, which a snapshot taken after this COMMIT sees.  The COMMIT also lets
-- writers mark the same quarters again while they are being counted.  They wait
-- for it, so a twentieth is taken at a time; what is marked again between two of
-- these is taken again, and counted once.
-- READ COMMITTED keeps the gaps between marks free for writers; the index is
-- forced because a scan of a small table would wait for marks it does not want.
CREATE OR REPLACE PROCEDURE roll_up_claim(p_count INT UNSIGNED,
					  OUT p_taken INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_some INT UNSIGNED DEFAULT CEILING(p_count / 20);
	DECLARE v_n INT UNSIGNED;

	SELECT COUNT(*) INTO p_taken FROM claimed_quarter;
	IF p_taken = 0 THEN
		CREATE OR REPLACE TEMPORARY TABLE work_mark (
			camera_id INT UNSIGNED NOT NULL,
			start_at DATETIME NOT NULL,
			marked_at DATETIME(3) NOT NULL
		) ENGINE=MEMORY;
		REPEAT
			SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
			START TRANSACTION;
			DELETE FROM work_mark;
			INSERT INTO work_mark (camera_id, start_at, marked_at)
			SELECT camera_id, start_at, marked_at
			FROM dirty_quarter FORCE INDEX (PRIMARY)
			ORDER BY start_at DESC, camera_id DESC LIMIT v_some
			FOR UPDATE SKIP LOCKED;
			SET v_n = ROW_COUNT();
			INSERT IGNORE INTO claimed_quarter
				(camera_id, start_at, marked_at)
			SELECT camera_id, start_at, marked_at FROM work_mark;
			DELETE d FROM work_mark m
			STRAIGHT_JOIN dirty_quarter d FORCE INDEX (PRIMARY)
				ON d.start_at = m.start_at
				AND d.camera_id = m.camera_id;
			COMMIT;
			SET p_taken = p_taken + v_n;
		UNTIL v_n < v_some OR p_taken >= p_count END REPEAT;
	END IF;
END
